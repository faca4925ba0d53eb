import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning } from '../../../../test/support/process.ts';
import { type CommandOptions, runCommand } from '../../src/command/run.ts';
import { lastLines } from '../../src/index.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-command-'));
});
afterEach(() => rm(dir, { recursive: true }));

const run = (argv: CommandOptions['argv'], options: Partial<CommandOptions> = {}) =>
  runCommand({ argv, cwd: dir, env: {}, mark: `test:${dir}`, timeoutMs: 30_000, ...options });
const sh = (script: string, options: Partial<CommandOptions> = {}) => run(['sh', '-c', script], options);
/** The process number that a command has written into a file. */
const pidIn = async (name: string) => Number(await readFile(join(dir, name), 'utf8'));

it('runs in its directory, with what it is told, and without what tells where our Redis is', async () => {
  process.env['REDIS_URL'] = 'redis://:secret@host';
  try {
    const { code, output } = await sh('pwd; echo "$A"; env', { env: { A: 'b c' } });
    expect(code).toBe(0);
    expect(output.split('\n').slice(0, 2)).toEqual([dir, 'b c']);
    expect(output).not.toContain('secret');
  } finally {
    delete process.env['REDIS_URL'];
  }
});

it('passes arguments on as they are: no shell reads them', async () => {
  const { output } = await run(['printf', '%s\n', '$HOME', '; ls', '']);
  expect(output).toBe('$HOME\n; ls\n\n');
});

it.each([
  ['exit 7', 7],
  ['kill -KILL $$', 137],
])('tells how %s ended', async (script, code) => {
  expect(await sh(script)).toMatchObject({ code, stopped: null, timedOut: false });
});

it('says of a command that is not there what a shell says', async () => {
  const { code, output } = await run(['no-such-command-at-all']);
  expect(code).toBe(127);
  expect(output).toContain('no-such-command-at-all');
});

describe('leaves no process behind:', () => {
  it('what it left in the background, though that holds its output open', async () => {
    expect(await sh('sleep 1000 & echo $! >pid; echo done')).toMatchObject({ code: 0, output: 'done\n' });
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
  });

  it('what has left its process group', async () => {
    const { code } = await sh(`setsid sh -c 'echo $$ >pid; exec sleep 1000' & until test -s pid; do :; done`);
    expect(code).toBe(0);
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
  });

  it('what ignores SIGTERM when its time is over', async () => {
    const ended = await sh(`trap '' TERM; sleep 1000 & echo $! >pid; wait; wait`, { timeoutMs: 5_000 });
    expect(ended.timedOut).toBe(true);
    expect(ended.stopped).not.toBeNull();
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
  });

  it('what it is when the signal comes', async () => {
    const controller = new AbortController();
    const ending = sh('echo $$ >pid; sleep 1000', { signal: controller.signal });
    await expect.poll(() => pidIn('pid').catch(() => 0)).toBeGreaterThan(0);
    controller.abort('enough');
    expect(await ending).toMatchObject({ stopped: 'enough', timedOut: false });
    await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
  });
});

it('lets a command that was told to stop clean up', async () => {
  const { output, timedOut } = await sh(`trap 'echo tidy; exit 3' TERM; while :; do sleep 0.05; done`, {
    timeoutMs: 5_000,
  });
  expect(timedOut).toBe(true);
  expect(lastLines(output, 1)).toEqual(['tidy']);
});

it('keeps the end of what is printed without end, in little memory', async () => {
  const before = process.memoryUsage().rss;
  const { output } = await sh('head -c 200000000 /dev/zero | tr "\\0" x; echo; echo last');
  expect(output.length).toBeLessThan(66_000);
  expect(output.startsWith('[…]\nx')).toBe(true);
  expect(lastLines(output, 1)).toEqual(['last']);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
});

it('takes colours and control characters out of the last lines', () => {
  expect(lastLines('one\n\u001b[31mtwo\u001b[0m\u0007\r\n\nthree\n', 2)).toEqual(['two', 'three']);
  expect(lastLines('x'.repeat(1_000))[0]).toHaveLength(201);
});
