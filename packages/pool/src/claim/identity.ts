import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod';

/** Who holds a claim: enough to tell whether that very process still runs. */
export const holderSchema = z.strictObject({
  pid: z.int().min(1),
  /** Clock ticks from boot to the process's start (proc(5), stat field 22); null where there is no /proc. */
  startTicks: z.string().nullable(),
  /** Null where the system does not tell one boot from another. */
  boot: z.string().nullable(),
  host: z.string(),
  purpose: z.string(),
  /** ISO-8601 UTC. */
  since: z.string(),
});
export type Holder = z.infer<typeof holderSchema>;

export async function identifySelf(purpose: string, now: number): Promise<Holder> {
  return {
    pid: process.pid,
    startTicks: await startTicksOf(process.pid),
    boot: await bootId(),
    host: hostname(),
    purpose,
    since: new Date(now).toISOString(),
  };
}

/**
 * Whether the holder's process is there. One on another host cannot be looked at, so it counts as alive: unknown means
 * keep.
 */
export async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  if (holder.boot !== (await bootId())) return false;
  if (holder.startTicks !== null) return (await startTicksOf(holder.pid)) === holder.startTicks;
  return respondsToSignals(holder.pid);
}

/** A holder as people know it: `process 4711 (spica up) since …`. */
export function describeHolder({ pid, purpose, since, host }: Holder): string {
  const where = host === hostname() ? '' : ` on host ${host}`;
  return `process ${pid} (${purpose})${where} since ${since}`;
}

function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it is there, but another user's
  }
}

async function startTicksOf(pid: number): Promise<string | null> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  // The name in parentheses may hold spaces and parentheses itself; field 3 comes after the last one.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

async function bootId(): Promise<string | null> {
  return (await readIfThere('/proc/sys/kernel/random/boot_id'))?.trim() ?? null;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}
