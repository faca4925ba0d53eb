import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tailAudit, verifyAudit } from '../../src/index.ts';
import { startChild } from '../child.ts';
import { openLogIn, scratch } from './log.ts';

const APPEND = new URL('./append.ts', import.meta.url);

it('holds every line of processes that write at once, each in its own order, and verifies', async () => {
  const dir = await scratch();
  const children = ['a', 'b', 'c'].map((name) => startChild(APPEND, [dir, name, '300', '40000']));
  await Promise.all(children.map(({ ended }) => ended));
  const path = join(dir, 'audit.jsonl');
  expect(await verifyAudit(path)).toMatchObject({ lines: 900, problems: [] });
  const lines = (await tailAudit(path, 1_000)).map((line) => JSON.parse(line));
  for (const name of ['a', 'b', 'c']) {
    const reasons = lines.filter(({ pool }) => pool === name).map(({ reason }) => reason);
    expect(reasons).toEqual(Array.from({ length: 300 }, (_, n) => `entry ${n}`));
  }
});

it('verifies while another process writes and rotates', async () => {
  const dir = await scratch();
  const child = startChild(APPEND, [dir, 'a', '400', '5000']);
  await child.next();
  let running = true;
  const ended = child.ended.finally(() => {
    running = false;
  });
  while (running) expect((await verifyAudit(join(dir, 'audit.jsonl'))).problems).toEqual([]);
  await ended;
});

it('verifies, and goes on, after writers were killed in the midst of it', async () => {
  const dir = await scratch();
  for (let round = 0; round < 3; round += 1) {
    const child = startChild(APPEND, [dir, 'a', '1000000', '20000']);
    await child.next();
    await new Promise((resolve) => setTimeout(resolve, 20 * round)); // at another moment each time
    await child.kill();
    const log = await openLogIn(dir);
    await log.forPool('main').append({ action: 'test', outcome: 'done' });
    expect((await verifyAudit(log.path)).problems).toEqual([]);
  }
});
