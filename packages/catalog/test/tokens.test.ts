import { createTokens } from '@spica/catalog';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../test/support/redis.ts';

let server: LocalRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startLocal();
  redis = new Redis(server.url);
});
beforeEach(() => redis.flushall());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const CI = { name: 'ci', role: 'runner', createdAt: 1_000, createdBy: 'ada@host', expiresAt: null } as const;

it('knows whose token it is, from another connection too, and when it was last used', async () => {
  const token = await createTokens(redis).create(CI);
  expect(token).toMatch(/^spica_ci_[0-9a-f]{64}$/);
  const tokens = createTokens(redis);
  expect(await tokens.check(token, 5_000)).toEqual({ outcome: 'valid', name: 'ci', role: 'runner' });
  expect(await tokens.list()).toEqual([{ ...CI, lastUsedAt: 5_000 }]);
  await tokens.check(token, 9_000);
  expect((await tokens.list())[0]?.lastUsedAt).toBe(9_000);
});

it('keeps no token, only its hash', async () => {
  const token = await createTokens(redis).create(CI);
  const kept = JSON.stringify([await redis.hgetall('spica:tokens'), await redis.keys('*')]);
  expect(kept).not.toContain(token.split('_').at(-1));
});

it('lets nobody in with a token that is another by one digit, revoked, or none', async () => {
  const tokens = createTokens(redis);
  const token = await tokens.create(CI);
  const last = token.endsWith('0') ? '1' : '0';
  for (const wrong of [
    token.slice(0, -1) + last,
    token.replace('_ci_', '_cd_'),
    'spica_ci_',
    '',
    '__proto__',
  ]) {
    expect(await tokens.check(wrong, 5_000)).toEqual({ outcome: 'unknown' });
  }
  expect((await tokens.list())[0]?.lastUsedAt).toBeNull();
  expect(await tokens.revoke('ci')).toBe(true);
  expect(await tokens.revoke('ci')).toBe(false);
  expect(await tokens.check(token, 5_000)).toEqual({ outcome: 'unknown' });
  expect(await tokens.list()).toEqual([]);
});

it('lets in until the token expires, and says that it did', async () => {
  const tokens = createTokens(redis);
  const token = await tokens.create({ ...CI, expiresAt: 7_000 });
  expect([await tokens.any(6_999), await tokens.any(7_000)]).toEqual([true, false]);
  expect(await tokens.check(token, 6_999)).toMatchObject({ outcome: 'valid' });
  expect(await tokens.check(token, 7_000)).toEqual({ outcome: 'expired', name: 'ci', expiresAt: 7_000 });
});

it('gives a name once, since it says whose requests are whose', async () => {
  const tokens = createTokens(redis);
  await tokens.create(CI);
  await expect(tokens.create({ ...CI, role: 'operator' })).rejects.toMatchObject({
    code: 'TOKEN_NAME_TAKEN',
  });
  expect((await tokens.list()).map(({ role }) => role)).toEqual(['runner']);
});

it.each(['', 'Ada', 'a_b', 'ada@host', '-a', 'a b', '__proto__', 'x'.repeat(65)])(
  'refuses %j as a name',
  async (name) => {
    await expect(createTokens(redis).create({ ...CI, name })).rejects.toMatchObject({
      code: 'TOKEN_NAME_INVALID',
    });
  },
);
