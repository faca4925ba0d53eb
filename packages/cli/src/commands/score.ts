import { scoreInstance } from '@spica/client/redis';
import { UsageError } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseNumber } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { warnIfUnmirrored } from '../wait/mirror.ts';

export interface ScoreOptions {
  readonly clear?: boolean;
}

/** `spica score ID 0.93`: says how good an instance was; `--clear` takes that back. */
export async function score(invocation: Invocation<ScoreOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const value = readScore(args[1], options.clear === true);
  return withCatalog(invocation, async (pool) => {
    await scoreInstance(pool, id, value);
    if (options.json) writeJson(io.stdout, { pool: pool.name, id, score: value });
    else if (io.stdout.isTTY)
      io.stdout.write(`${id} has ${value === null ? 'no score' : `the score ${value}`}\n`);
    await warnIfUnmirrored(io, pool);
    return 0;
  });
}

function readScore(text: string | undefined, clear: boolean): number | null {
  if (clear && text === undefined) return null;
  if (text !== undefined && !clear) return parseNumber('score', text);
  const got = clear ? `got both "${text}" and --clear` : 'got neither';
  throw new UsageError('FLAG_INVALID', `score: expected a number or --clear, ${got}`);
}
