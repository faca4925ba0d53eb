import { once } from 'node:events';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Captured } from '../capture.ts';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let ids: string[];
let waits: string;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 3, 'gate.max_wait': '10m' });
  const spawned = await cli.spica('spawn', '-n', '3', '--experiment', 'lr-sweep', '--lease', '1h', '--json');
  ids = JSON.parse(spawned.stdout).instances.map(({ id }: { id: string }) => id);
  waits = (await cli.spica('spawn', '--no-wait')).stdout.trim();
  await vi.waitFor(async () => {
    const { pools } = JSON.parse((await cli.spica('status', '--json')).stdout);
    expect(pools[0].held).toHaveLength(1);
  }, 20_000);
});
afterAll(() => cli.close());

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
const COLOUR = /\u001b\[\d+m/;
/** The frame that was drawn last, as lines without what moves the cursor. */
function screenOf(io: Captured): string[] {
  const frame = io.out().split('\u001b[H').at(-1) ?? '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is sent
  return frame.replaceAll(/\u001b\[[?\d]*[A-Za-z]/g, '').split('\r\n');
}

it('prints one screen without a terminal, and all of it as one object with --json, over Redis or the stack', async () => {
  const piped = await cli.spica('top');
  expect([piped.exitCode, piped.stderr]).toEqual([0, '']);
  expect(piped.stdout).not.toContain('\u001b');
  expect(piped.stdout).toMatch(/^spica top: pool main on .*\n. One request waits/);
  expect(piped.stdout).toMatch(/^disk \[[#|.]+\] .* available, floor /m);
  expect(piped.stdout).toMatch(new RegExp(`^${waits} +held +0/1 `, 'm'));
  for (const id of ids)
    expect(piped.stdout).toMatch(
      new RegExp(`^${id} +lr-sweep +.* \\S+@\\S+, 5\\dm\\S+ +keeps: leased$`, 'm'),
    );

  const serving = cli.io();
  const served = runCaptured(['serve', '--port', '0', '--json'], serving);
  await once(serving.stdout, 'data');
  const one = JSON.parse((await cli.spica('top', '--sort', 'id', '--filter', 'lease=held', '--json')).stdout);
  serving.signals.emit('SIGTERM', 'SIGTERM');
  await served;
  expect(one).toMatchObject({ pool: { pool: 'main', heldCount: 1 }, total: 3 });
  expect(one.requests).toMatchObject([
    { id: waits, phase: 'held', count: 1, reason: expect.stringMatching(/./) },
  ]);
  expect(one.instances.map(({ id }: { id: string }) => id)).toEqual(ids.toSorted());
});

it('is live on a terminal: keys sort, search and pause, it fits and follows the size, and gives the terminal back', async () => {
  const io = cli.io({ tty: true });
  const raw: boolean[] = [];
  Object.assign(io.stdin, { setRawMode: (isRaw: boolean) => raw.push(isRaw) });
  Object.assign(io.stdout, { rows: 20, columns: 100 });
  const ended = runCaptured(['top'], io);
  await expect.poll(() => screenOf(io).join('\n')).toContain('1-3 of 3, by spawned ascending');
  expect(io.out()).toMatch(COLOUR);
  expect(screenOf(io)).toHaveLength(20);
  expect(Math.max(...screenOf(io).map((line) => line.length))).toBeLessThanOrEqual(100);

  io.stdin.write('s');
  await expect.poll(() => screenOf(io).join('\n')).toContain('by size descending');
  io.stdin.write(`/${ids[1]}`);
  await expect.poll(() => screenOf(io).join('\n')).toContain('1-1 of 1');
  expect(screenOf(io).at(-1)).toContain(`/${ids[1]}_`);
  io.stdin.write('\r\u001bp');
  await expect.poll(() => screenOf(io)[0]).toContain('paused');
  await expect.poll(() => screenOf(io).join('\n')).toContain('1-3 of 3');
  Object.assign(io.stdout, { rows: 12, columns: 60 });
  io.stdout.emit('resize');
  await expect.poll(() => screenOf(io)).toHaveLength(12);
  expect(Math.max(...screenOf(io).map((line) => line.length))).toBeLessThanOrEqual(60);

  io.stdin.write('p');
  await cli.spica('cancel', waits);
  await expect.poll(() => screenOf(io).join('\n')).toContain('none is open');
  io.stdin.write('q');
  expect((await ended).exitCode).toBe(0);
  expect(io.out().startsWith('\u001b[?1049h')).toBe(true);
  expect(io.out().endsWith('\u001b[?1049l')).toBe(true);
  expect([raw, io.signals.listenerCount('SIGINT')]).toEqual([[true, false], 0]);
});

it('has no colours with NO_COLOR, and ends with a signal as with q', async () => {
  const io = cli.io({ tty: true, env: { NO_COLOR: '1' } });
  const ended = runCaptured(['top'], io);
  await expect.poll(() => screenOf(io).join('\n')).toContain('INSTANCES');
  io.signals.emit('SIGTERM', 'SIGTERM');
  expect((await ended).exitCode).toBe(0);
  expect(io.out()).not.toMatch(COLOUR);
  expect(io.out().endsWith('\u001b[?1049l')).toBe(true);
});
