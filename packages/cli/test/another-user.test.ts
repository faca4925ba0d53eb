import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { MAIN } from '../../../test/support/spica.ts';

const NOBODY = 65_534;
const AS_NOBODY = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', '--'];

beforeEach(async (context) => {
  if (process.getuid?.() !== 0) return context.skip('acting as another user needs root');
  const { failed } = await execa('setpriv', [...AS_NOBODY, 'test', '-r', MAIN], { reject: false });
  if (failed) context.skip('this checkout is closed to other users');
});

/** A place that all may enter, with a state directory and an empty root that are the user's. */
async function place() {
  const dir = await mkdtemp(join(tmpdir(), 'spica-user-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await chmod(dir, 0o755);
  const at = (name: string) => join(dir, name);
  await writeFile(at('spica.yaml'), 'pools: { main: { root: pool } }\n');
  for (const name of ['pool', 'state']) {
    await mkdir(at(name));
    await chown(at(name), NOBODY, NOBODY);
  }
  const env = { SPICA_CONFIG: at('spica.yaml'), SPICA_STATE_DIR: at('state'), HOME: '/nonexistent' };
  const spica = (args: readonly string[], cwd = dir) =>
    execa('setpriv', [...AS_NOBODY, process.execPath, MAIN, ...args], { cwd, env, reject: false });
  return { at, spica };
}

it("works in a directory that is closed to its user, as the home of `sudo -u`'s caller may be", async () => {
  const { at, spica } = await place();
  await mkdir(at('home'), { mode: 0o700 });
  const { exitCode, stdout, stderr } = await spica(['init'], at('home'));
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toContain('clones by');
});

it("names the way to a stack that is another user's, where its sockets are closed", async () => {
  const { at, spica } = await place();
  const server = createServer().listen(at('state/redis.sock'));
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  await chmod(at('state/redis.sock'), 0o700);
  const way = 'run this as the user who runs `spica up`';
  const { exitCode, stderr } = await spica(['ls']);
  expect([exitCode, stderr]).toEqual([4, expect.stringMatching(new RegExp(`EACCES.*: ${way}$`))]);
  expect((await spica(['doctor'])).stdout).toMatch(new RegExp(`^fail\tRedis\t.*EACCES.*\t${way}$`, 'm'));
});
