import { CheckError, EXIT_CODES } from '@spica/core';
import { openPool, type Pool, scanPool, verifyLineage } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { parseInstanceId } from '../input/ids.ts';
import type { Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';

interface Verdict {
  readonly id: string;
  readonly ok: boolean;
  /** Where it differs; null where it does not. */
  readonly reason: string | null;
}

/** `spica verify [ID…]`: compares each instance's lineage with the hash in its manifest. Exit 1 where one differs. */
export async function verify({ io, args, options }: Invocation): Promise<number> {
  const asked = args.map((id) => parseInstanceId('id', id));
  const { config } = await loadConfig(io, options);
  const { name, root } = choosePool(config, options.pool);
  const pool = await openPool({ name, root });
  const ids = asked.length > 0 ? asked : (await scanPool(pool)).instances.map(({ id }) => id);
  const verdicts: Verdict[] = [];
  for (const id of ids) verdicts.push(await judge(pool, id));
  const differing = verdicts.filter(({ ok }) => !ok);
  if (options.json) writeJson(io.stdout, { pool: name, verified: verdicts.length, instances: verdicts });
  else {
    const columns = [
      { title: 'id', text: ({ id }: Verdict) => id },
      { title: 'lineage', text: ({ ok }: Verdict) => (ok ? 'ok' : 'differs') },
      { title: 'reason', text: ({ reason }: Verdict) => reason ?? '' },
    ];
    writeRows(io.stdout, columns, io.stdout.isTTY ? differing : verdicts);
    if (io.stdout.isTTY) io.stdout.write(`${verdicts.length} verified, ${differing.length} differ\n`);
  }
  return differing.length > 0 ? EXIT_CODES.check : 0;
}

async function judge(pool: Pool, id: string): Promise<Verdict> {
  try {
    const { ok, expected, actual } = await verifyLineage(pool, id);
    return { id, ok, reason: ok ? null : `lineage.json hashes to ${actual}, the manifest says ${expected}` };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { id, ok: false, reason: `${error.code}: ${error.message}` };
  }
}
