import { EXIT_CODES, SpicaError } from '@spica/core';
import type { Io } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { parseInstanceId } from './ids.ts';

/**
 * Does something with each of the instances that a command names. The error of an only one is the command's; of several
 * each that fails is a line, the others go on, and the exit code is 1. With `--json` what it resolves with is printed, of
 * several as a list.
 */
export async function eachInstance(
  io: Pick<Io, 'stdout' | 'stderr'>,
  { ids, json, pool }: { readonly ids: readonly string[]; readonly json: boolean; readonly pool: string },
  work: (id: string) => Promise<object>,
): Promise<number> {
  const done: object[] = [];
  for (const id of ids) {
    try {
      done.push({ id, ...(await work(id)) });
    } catch (error) {
      if (ids.length === 1 || !(error instanceof SpicaError)) throw error;
      io.stderr.write(`${id}: ${error.message}\n`);
    }
  }
  if (json) writeJson(io.stdout, ids.length === 1 ? { pool, ...done[0] } : { pool, instances: done });
  return done.length < ids.length ? EXIT_CODES.check : 0;
}

/** Throws UsageError ID_INVALID. */
export function parseInstanceIds(args: readonly string[]): string[] {
  return args.map((id) => parseInstanceId('id', id));
}
