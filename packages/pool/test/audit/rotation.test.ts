import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { tailAudit, verifyAudit } from '../../src/index.ts';
import { entry, linesOf, openLogIn, scratch } from './log.ts';

const ROTATE_BYTES = 1_000;

async function fill(dir: string, entries: number): Promise<string> {
  const log = await openLogIn(dir, { rotateBytes: ROTATE_BYTES });
  for (let n = 1; n <= entries; n += 1) await log.forPool('main').append(entry(n));
  return log.path;
}

it('rotates a file that has grown to the limit, and the chain goes on in the next', async () => {
  const path = await fill(await scratch(), 10);
  const older = await linesOf(`${path}.1`);
  const newer = await linesOf(path);
  expect((await stat(`${path}.1`)).size).toBeGreaterThanOrEqual(ROTATE_BYTES);
  expect(newer[0]?.seq).toBe((older.at(-1)?.seq ?? 0) + 1);
  expect(await verifyAudit(path)).toMatchObject({ lines: 10, problems: [] });
});

it('keeps ten rotated files, and still verifies though the oldest are gone', async () => {
  const path = await fill(await scratch(), 60);
  const rotated = (await readdir(dirname(path))).filter((name) => /\.\d+$/.test(name));
  expect(rotated).toHaveLength(10);
  expect((await linesOf(`${path}.10`))[0]?.seq).toBeGreaterThan(1);
  expect((await verifyAudit(path)).problems).toEqual([]);
});

it('names the first line after a rotated file that was taken away', async () => {
  const path = await fill(await scratch(), 20);
  await rm(`${path}.2`);
  const { problems } = await verifyAudit(path);
  expect(problems[0]).toMatch(new RegExp(`^${path}.1:1: its seq is \\d+, expected \\d+: lines are missing`));
});

it('rotates though other processes write between its own lines', async () => {
  const dir = await scratch();
  const logs = [
    await openLogIn(dir, { rotateBytes: ROTATE_BYTES }),
    await openLogIn(dir, { rotateBytes: ROTATE_BYTES }),
  ];
  for (let n = 1; n <= 20; n += 1) await logs[n % 2]?.forPool('main').append(entry(n));
  expect((await readdir(dir)).filter((name) => /\.\d+$/.test(name)).length).toBeGreaterThan(1);
  expect(await verifyAudit(logs[0]?.path ?? '')).toMatchObject({ lines: 20, problems: [] });
});

it('goes on with a rotation that a crash cut off', async () => {
  const dir = await scratch();
  const path = await fill(dir, 6);
  await rename(`${path}.1`, `${path}.2`); // the older file has moved on, the log itself not yet
  const log = await openLogIn(dir, { rotateBytes: ROTATE_BYTES });
  for (let n = 7; n <= 20; n += 1) await log.forPool('main').append(entry(n));
  expect((await verifyAudit(path)).problems).toEqual([]);
});

it.each([1, 2, 5, 19, 20, 25])('tails the last %i lines, from rotated files too', async (count) => {
  const path = await fill(await scratch(), 20);
  const expected = Array.from({ length: 20 }, (_, n) => `entry ${n + 1}`).slice(-count);
  const tail = await tailAudit(path, count);
  expect(tail.map((line) => JSON.parse(line).reason)).toEqual(expected);
});

it('tails nothing where there is no log', async () => {
  expect(await tailAudit(`${await scratch()}/none/audit.jsonl`, 5)).toEqual([]);
  expect(await verifyAudit(`${await scratch()}/none/audit.jsonl`)).toMatchObject({ lines: 0, problems: [] });
});
