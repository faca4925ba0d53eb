import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { commandRunner } from '../../src/quick/answer.ts';
import { fingerprintOf } from '../../src/quick/fingerprint.ts';
import { capture } from '../capture.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-quick-'));
  await writeFile(join(dir, 'spica.yaml'), 'pools: {}\n');
});
afterEach(() => rm(dir, { recursive: true }));

const place = (env: Record<string, string> = {}) => ({ env, cwd: dir, home: dir });
const digestOf = async (env?: Record<string, string>) => (await fingerprintOf(place(env), undefined)).digest;

it('tells a config from any other by what it says and what overrides it, and nothing else', async () => {
  const digest = await digestOf();
  expect(await digestOf({ PATH: '/x', SPICA_LEASE_TOKEN: 'x' })).toBe(digest);
  const sub = { env: { SPICA_CONFIG: join(dir, 'spica.yaml') }, cwd: '/', home: dir };
  expect((await fingerprintOf(sub, undefined)).digest).toBe(digest);
  for (const env of [
    { REDIS_URL: 'redis://h' },
    { SPICA_STATE_DIR: '/elsewhere' },
    { SPICA_RETENTION_MAX_INSTANCES: '3' },
  ])
    expect(await digestOf(env)).not.toBe(digest);
  await writeFile(join(dir, 'spica.yaml'), 'pools: { main: {} }\n');
  expect(await digestOf()).not.toBe(digest);
});

it('runs nothing for another config, nothing that is not for it, and leaves to the command what fails', async () => {
  const run = commandRunner({ ...capture(), ...place() }, {});
  const rest = { leaseToken: null, isTerminal: false, isErrorTerminal: false, columns: null };
  const fingerprint = await digestOf();
  expect(await run({ ...rest, argv: ['ls'], fingerprint: 'another' })).toBeNull();
  for (const argv of [['init'], ['ls', '--verbose'], ['prune'], []])
    expect(await run({ ...rest, argv, fingerprint })).toBeNull();
  expect(await run({ ...rest, argv: ['ls', '--nonsense'], fingerprint })).toBeNull();
});
