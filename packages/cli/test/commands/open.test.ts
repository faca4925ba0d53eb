import { once } from 'node:events';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Captured, capture, runCaptured } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

let test: TestQueues;
let serving: { readonly io: Captured; readonly ended: Promise<unknown>; readonly page: string };
beforeAll(async () => {
  test = await startQueues();
  const io = capture({ env: { SPICA_STATE_DIR: test.stateDir } });
  const ended = runCaptured(['serve', '--port', '0', '--json'], io);
  const [printed] = await once(io.stdout, 'data');
  serving = { io, ended, page: JSON.parse(String(printed)).page };
});
afterAll(async () => {
  serving.io.signals.emit('SIGTERM', 'SIGTERM');
  await serving.ended;
  await test.close();
});

const open = (args: string[], env: Record<string, string> = {}) =>
  runCaptured(['open', ...args], capture({ env: { SPICA_STATE_DIR: test.stateDir, ...env } }));

it('prints a link that logs in as an operator of this machine, once, where there is no desktop', async () => {
  const { exitCode, stdout, stderr } = await open([]);
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('within a minute')]);
  expect(stdout.startsWith(`${serving.page}/open/`)).toBe(true);
  const opened = await fetch(stdout.trim(), { redirect: 'manual' });
  const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const session = await fetch(new URL('/v1/session', serving.page), { headers: { cookie } });
  expect(await session.json()).toMatchObject({
    caller: { name: expect.stringMatching(/.@./), role: 'operator', door: 'session' },
  });
  expect((await fetch(stdout.trim())).status).toBe(401);
});

it('has the desktop open it, and prints it where that does not work, or where it is asked to', async () => {
  const io = capture();
  const log = join(io.cwd, 'opened');
  await writeFile(join(io.cwd, 'xdg-open'), `#!/bin/sh\necho "$1" >>${log}\n`);
  await chmod(join(io.cwd, 'xdg-open'), 0o755);
  const desktop = { DISPLAY: ':0', PATH: `${io.cwd}:/bin:/usr/bin` };
  const opened = await open([], desktop);
  expect([opened.exitCode, opened.stdout]).toEqual([0, '']);
  expect(await readFile(log, 'utf8')).toMatch(new RegExp(`^${serving.page}/open/[0-9a-f]{64}\\n$`));
  expect((await open(['--print'], desktop)).stdout).toMatch(/\/open\/[0-9a-f]{64}\n$/);
  await writeFile(join(io.cwd, 'xdg-open'), '#!/bin/sh\nexit 3\n');
  expect((await open([], desktop)).stdout).toMatch(/\/open\/[0-9a-f]{64}\n$/);
  expect((await open([], { ...desktop, PATH: '/nowhere' })).stdout).toMatch(/\/open\/[0-9a-f]{64}\n$/);
});

it('says what to start where nobody serves', async () => {
  const { exitCode, stderr } = await open([], { SPICA_STATE_DIR: '/nowhere' });
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('start `spica up`')]);
});
