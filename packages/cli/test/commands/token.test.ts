import { createCatalog, createTokens } from '@spica/catalog';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { capture, runCaptured } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

let test: TestQueues;
beforeAll(async () => {
  test = await startQueues();
});
beforeEach(() => test.redis.flushall());
afterAll(() => test.close());

const token = (...args: string[]) =>
  runCaptured(['token', ...args], capture({ env: { SPICA_STATE_DIR: test.stateDir } }));

it('prints a new token alone, for scripts, and never again', async () => {
  const { exitCode, stdout, stderr } = await token('create', '--role', 'runner', '--name', 'ci');
  expect([exitCode, stderr]).toEqual([0, '']);
  const secret = stdout.trim();
  expect(await createTokens(test.redis).check(secret, Date.now())).toMatchObject({
    name: 'ci',
    role: 'runner',
  });
  const listed = await token('list', '--json');
  expect(JSON.parse(listed.stdout).tokens).toMatchObject([
    { name: 'ci', role: 'runner', expiresAt: null, lastUsedAt: expect.stringMatching(/Z$/) },
  ]);
  expect(listed.stdout).not.toContain(secret.slice(-64));
});

it('names a token for its role where it is given no name, and lets it expire', async () => {
  await token('create', '--role', 'viewer');
  const { stdout } = await token('create', '--role', 'viewer', '--expires', '30d', '--json');
  const { name, expiresAt } = JSON.parse(stdout);
  expect(name).toBe('viewer-2');
  expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(29 * 86_400_000);
});

it('revokes a token, and says so in the audit log with who did it', async () => {
  await token('create', '--role', 'operator', '--name', 'ops');
  expect((await token('revoke', 'ops')).exitCode).toBe(0);
  const again = await token('revoke', 'ops');
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('there is no token "ops"')]);
  const notes = await createCatalog({ redis: test.redis, pool: 'main' }).readNotes(10);
  expect(notes.map(({ note }) => [note?.action, note?.['token'], note?.['reason']])).toEqual([
    ['create_token', 'ops', expect.stringMatching(/role operator, made by .+@.+/)],
    ['revoke_token', 'ops', expect.stringMatching(/^revoked by .+@/)],
  ]);
});

it.each([
  [['create', '--role', 'root'], '--role: expected one of: viewer, runner, operator, got "root"'],
  [['create', '--role', 'viewer', '--name', 'A_b'], '--name: expected 1 to 64 lower-case letters'],
  [['create', '--role', 'viewer', '--expires', 'soon'], '--expires: expected'],
])('refuses %j', async (args, message) => {
  const { exitCode, stderr } = await token(...args);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
});
