import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ALL, type AtEnd, serve } from './serving.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
const atEnd: AtEnd = (end) => ends.push(end);

// Alone in its file: threads take their PATH from the process when they start.
test('a collection that hangs is passed over for the next instance where room is needed', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-hanging-'));
  atEnd(() => rm(dir, { recursive: true }));
  const [bin, to, hanging] = [join(dir, 'bin'), join(dir, 'results'), join(dir, 'hanging')];
  for (const each of [bin, to]) await mkdir(each);
  await writeFile(hanging, '');
  // The disk of the results does not take them for as long as the file is there.
  const stub = `#!/bin/sh\ncase "$*" in *${to}*) while [ -e ${hanging} ]; do sleep 0.1; done;; esac\nexec /bin/sync "$@"\n`;
  await writeFile(join(bin, 'sync'), stub);
  await chmod(join(bin, 'sync'), 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${bin}:${before}`;
  atEnd(async () => {
    process.env['PATH'] = before;
  });
  atEnd(() => rm(hanging, { force: true }));
  const { stack, spawn, prune } = await serve(
    {
      'pools.main.collect_to': to,
      'pools.main.collect_timeout': '10s',
      'pools.main.retention.keep_after_lease': '0s',
    },
    atEnd,
  );
  const hangs = await spawn(1_000);
  const next = await spawn(0);
  // More than there is on any disk, of which one byte is asked for.
  const need = { bytes: 2 ** 50, inodes: 0, slots: 1 };
  const shortfall = { bytes: 1, inodes: 0, slots: 0 };
  const room = { cause: 'request', request: 'some-request', from: null, need, shortfall } as const;
  const first = await prune(room);
  expect([first.pruned, first.skipped.map((each) => each.id)]).toEqual([[], [hangs]]);
  const second = await prune(room);
  expect(second.pruned.map((each) => each.id)).toEqual([next]);
  // Its time is over, though the disk still has not answered: that is told.
  await expect
    .poll(async () => (await stack.ctx.catalog.get(hangs))?.collectFailure?.cause)
    .toMatch('COLLECT_TIMEOUT');
  await rm(hanging);
  await expect.poll(async () => (await prune(ALL)).pruned.map((each) => each.id)).toEqual([hangs]);
  expect(await readdir(to)).toEqual([hangs]);
});
