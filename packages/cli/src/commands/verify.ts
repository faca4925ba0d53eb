import { EXIT_CODES } from '@spica/core';
import { judgeLineage, openPool, scanPool } from '@spica/pool';
import type { LineageVerdict } from '@spica/queues';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { parseInstanceId } from '../input/ids.ts';
import type { Invocation } from '../io.ts';
import { sayWhile } from '../output/waiting.ts';
import { writeJson, writeRows } from '../output/write.ts';

/** `spica verify [ID…]`: compares each instance's lineage with the hash in its manifest. Exit 1 where one differs. */
export async function verify({ io, args, options }: Invocation): Promise<number> {
  const asked = args.map((id) => parseInstanceId('id', id));
  const { config } = await loadConfig(io, options);
  const { name, root } = choosePool(config, options.pool);
  const pool = await openPool({ name, root });
  const ids = asked.length > 0 ? asked : (await scanPool(pool)).instances.map(({ id }) => id);
  const verdicts: LineageVerdict[] = [];
  await sayWhile(io, 'verifying', async () => {
    for (const id of ids) verdicts.push(await judgeLineage(pool, id));
  });
  const differing = verdicts.filter(({ ok }) => !ok);
  if (options.json) writeJson(io.stdout, { pool: name, verified: verdicts.length, instances: verdicts });
  else {
    const columns = [
      { title: 'id', text: ({ id }: LineageVerdict) => id },
      { title: 'lineage', text: ({ ok }: LineageVerdict) => (ok ? 'ok' : 'differs') },
      { title: 'reason', text: ({ reason }: LineageVerdict) => reason ?? '' },
    ];
    writeRows(io.stdout, columns, io.stdout.isTTY ? differing : verdicts);
    if (io.stdout.isTTY) io.stdout.write(`${verdicts.length} verified, ${differing.length} differ\n`);
  }
  return differing.length > 0 ? EXIT_CODES.check : 0;
}
