import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { resolveConfig } from '@spica/core';
import { expect, it } from 'vitest';
import { embeddedSocketOf, redisTargetOf } from '../src/target.ts';

const configWith = (env: Record<string, string>) =>
  resolveConfig({ file: null, env, flags: {}, cwd: '/', home: '/home/eve' }).config;

it('takes the Redis of REDIS_URL, else the embedded one of the state directory', () => {
  expect(redisTargetOf(configWith({ REDIS_URL: 'redis://host:1/2', SPICA_STATE_DIR: '/state' }))).toEqual({
    url: 'redis://host:1/2',
  });
  expect(redisTargetOf(configWith({ SPICA_STATE_DIR: '/state' }))).toEqual({ socket: '/state/redis.sock' });
});

it('finds a shorter path for the socket where the state directory makes it too long, always the same one', () => {
  const fits = `/${'d'.repeat(107 - '//redis.sock'.length)}`;
  expect(embeddedSocketOf(fits)).toBe(`${fits}/redis.sock`);
  const long = `${fits}d`;
  expect(dirname(embeddedSocketOf(long))).toBe(tmpdir());
  expect(embeddedSocketOf(long)).toBe(embeddedSocketOf(long));
  expect(embeddedSocketOf(long)).not.toBe(embeddedSocketOf(`${long}d`));
  // A letter of two bytes counts as two.
  expect(dirname(embeddedSocketOf(`/${'é'.repeat(60)}`))).toBe(tmpdir());
});
