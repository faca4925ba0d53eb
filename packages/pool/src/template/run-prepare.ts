import { join } from 'node:path';
import { CheckError, formatDuration } from '@spica/core';
import { asNoSpace } from '../clone/full-disk.ts';
import { commandLogPath, writeCommandLog } from '../command/log.ts';
import { sayPrinted } from '../command/output.ts';
import { type CommandEnd, markOf, runCommand } from '../command/run.ts';
import type { Pool } from '../layout.ts';
import { OWN_NAMES } from '../manifest/manifest.ts';
import { isThere } from '../missing.ts';
import type { Prepare } from './source.ts';

/** A copy of a template that nothing is cloned from yet, and the command that is to prepare it. */
export interface Preparing {
  readonly pool: Pool;
  readonly template: string;
  /** Where the copy lies. */
  readonly draft: string;
  readonly command: Prepare;
  readonly signal?: AbortSignal;
}

/**
 * Runs a template's `prepare` command in a copy of it, and keeps what it prints. When this resolves or rejects nothing of
 * it runs any more. Throws CheckError: PREPARE_FAILED, PREPARE_TIMED_OUT with its last lines; NO_SPACE where it says that
 * the disk is full; or the signal's reason.
 */
export async function runPrepare({ pool, template, draft, command, signal }: Preparing): Promise<void> {
  const { argv, timeoutMs } = command;
  const end = await runCommand({
    argv,
    cwd: draft,
    env: { SPICA_TEMPLATE: template, SPICA_PATH: draft },
    mark: markOf(pool, join(pool.paths.templates, template)),
    timeoutMs,
    ...(signal ? { signal } : {}),
  });
  signal?.throwIfAborted();
  const log = `prepare-${template}`;
  const what = `template ${template}: its prepare command (${argv.join(' ')})`;
  const problem = await problemOf(end, draft, timeoutMs);
  const logged = await writeCommandLog(pool, log, end.output).then(
    () => null,
    (error: unknown) => error,
  );
  if (!problem) {
    if (logged === null) return;
    throw (await asNoSpace(logged, draft, what)) ?? logged;
  }
  const said = sayPrinted(end.output, commandLogPath(pool, log));
  const noSpace = await asNoSpace(new ProgramError(end.output), draft, what);
  if (noSpace) throw new CheckError('NO_SPACE', `${noSpace.message}${said}`, noSpace.details, logged);
  const code = end.timedOut ? 'PREPARE_TIMED_OUT' : 'PREPARE_FAILED';
  throw new CheckError(code, `${what} ${problem}${said}`, { template }, logged);
}

/** As `outOf` takes a program's failure. */
class ProgramError extends Error {
  readonly stderr: string;
  constructor(stderr: string) {
    super('a command failed');
    this.stderr = stderr;
  }
}

async function problemOf(
  { code, timedOut }: CommandEnd,
  draft: string,
  timeoutMs: number,
): Promise<string | null> {
  if (timedOut) return `took longer than ${formatDuration(timeoutMs)} (prepare_timeout), and was ended`;
  if (code !== 0) return `ended with exit code ${code}`;
  for (const own of Object.values(OWN_NAMES)) {
    if (await isThere(join(draft, own)))
      return `left ${own}, under whose name Spica writes a file in every instance`;
  }
  return null;
}
