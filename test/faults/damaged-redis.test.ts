import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { instancesOnDisk } from '../support/pool.ts';
import { makeSite, type Site } from '../support/site.ts';

let site: Site;
afterEach(() => site.close());

/** As a bad block of the disk, or a power cut, leaves it. */
async function zeroMiddle(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(64), 0, 64, Math.floor((await stat(path)).size / 2));
  await file.close();
}

it('an append-only file with 64 zero bytes in its middle: `up` starts empty, all instances are there, and nothing is deleted', async () => {
  site = await makeSite();
  const first = await site.up();
  const [one = '', two = ''] = (await site.spica('spawn', '-n', '2')).stdout
    .split('\n')
    .map((path) => path.split('/').at(-1));
  await site.spica('pin', one, '--why', 'the best');
  await first.kill('SIGTERM');
  const state = join(site.dir, 'state');
  await zeroMiddle(join(state, 'redis', 'appendonlydir', 'appendonly.aof.1.incr.aof'));
  await site.up();
  expect((await readdir(state)).filter((name) => name.startsWith('redis.damaged-'))).toHaveLength(1);
  const pins = JSON.parse((await site.spica('show', one, '--json')).stdout);
  expect(pins).toMatchObject({ pin: { why: 'the best' } });
  const { stdout } = await site.spica('prune', '--max-instances', '1', '--yes', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ pruned: [], skipped: [{ id: two }] });
  expect(await instancesOnDisk(site.pool)).toEqual([one, two].sort());
  const held = (await readAudit(join(state, 'audit.jsonl'))).filter(
    ({ action }) => action === 'hold_deletions',
  );
  expect(held).toHaveLength(1);
});
