import { UnreachableError } from '@spica/core';
import { expect, it } from 'vitest';
import { toUnreachable } from '../src/unreachable.ts';

it.each([
  'Connection is closed.',
  "Stream isn't writeable and enableOfflineQueue options is false",
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
  'Command aborted due to connection close',
])('says of a lost connection no more than that, where ioredis says %j', (message) => {
  const error = toUnreachable(new Error(message), 'redis://host', ': start it');
  expect(error).toBeInstanceOf(UnreachableError);
  expect(error?.message).toBe('Redis at redis://host went away: start it');
});

it('quotes what says why, and leaves alone what says nothing of Redis', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 1.2.3.4:1'), { code: 'ECONNREFUSED' });
  expect(toUnreachable(refused, 'redis://host')?.message).toBe(
    'Redis at redis://host went away (connect ECONNREFUSED 1.2.3.4:1)',
  );
  expect(toUnreachable(new TypeError('x is not a function'), 'redis://host')).toBeNull();
});
