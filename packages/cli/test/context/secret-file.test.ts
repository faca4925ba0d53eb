import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { capture, runCaptured } from '../capture.ts';

function inEnvironment(env: Record<string, string>) {
  const io = capture();
  return { ...io, env: { ...io.env, ...env } };
}

it('REDIS_URL_FILE names a file that holds the URL, whose password nobody is shown', async () => {
  const io = inEnvironment({ REDIS_URL_FILE: 'secret' });
  await writeFile(join(io.cwd, 'secret'), 'redis://:hush@redis.example:6380\n');
  const { exitCode, stdout } = await runCaptured(['config', '--json'], io);
  const { settings } = JSON.parse(stdout);
  expect([exitCode, settings.find(({ path }: { path: string }) => path === 'redis.url')]).toEqual([
    0,
    { path: 'redis.url', value: 'redis://***@redis.example:6380', source: 'env REDIS_URL_FILE' },
  ]);
  expect(stdout).not.toContain('hush');
});

it('a file that is not there is named, and so are two sources for one setting', async () => {
  const missing = await runCaptured(['config'], inEnvironment({ REDIS_URL_FILE: '/nowhere' }));
  expect([missing.exitCode, missing.stderr]).toEqual([
    2,
    'error: REDIS_URL_FILE: /nowhere: the system says "no such file or directory" (open)\n',
  ]);
  const directory = await runCaptured(['config'], inEnvironment({ REDIS_URL_FILE: '/' }));
  expect(directory.stderr).toMatch(/^error: REDIS_URL_FILE: \/: the system says ".* directory" \(read\)\n$/);
  const both = { REDIS_URL_FILE: '/nowhere', REDIS_URL: 'redis://a' };
  expect((await runCaptured(['config'], inEnvironment(both))).stderr).toContain('got both');
});
