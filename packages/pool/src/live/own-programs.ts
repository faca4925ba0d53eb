const running = new Set<number>();

/**
 * Marks a program that this process has just started as one that looks into instances and uses none, until it ends.
 * Others that it starts may be somebody's work, where Spica is part of a larger program.
 */
export function markOwn<Program extends PromiseLike<unknown> & { readonly pid?: number | undefined }>(
  program: Program,
): Program {
  const { pid } = program;
  if (pid === undefined) return program; // it did not start
  running.add(pid);
  const forget = () => running.delete(pid);
  program.then(forget, forget);
  return program;
}

/** Whether a process is this one, or a program of its that was marked. */
export function isOwn(pid: number): boolean {
  return pid === process.pid || running.has(pid);
}
