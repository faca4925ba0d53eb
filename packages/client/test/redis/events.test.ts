import { expect, it } from 'vitest';
import type { Connection } from '../../src/redis/connection.ts';
import { followRequest } from '../../src/redis/events.ts';

/** So often it is asked in vain by who leaves no time for timers: then it ends, so that the test does too. */
const TOO_OFTEN = 1_000;
/** By then it has looked a few times. */
const ENOUGH = 8;

it('leaves the process its time while Redis is away, which is said at once', async () => {
  let asked = 0;
  const over = new AbortController();
  const answer = async () => {
    asked += 1;
    if (asked === ENOUGH) setImmediate(() => over.abort(new Error('enough')));
    if (asked > TOO_OFTEN) return undefined; // no such request
    throw new Error("Stream isn't writeable and enableOfflineQueue options is false");
  };
  const connection = { name: 'main', queues: { gate: { getJob: answer } }, watcher: { wait: answer } };
  const followed = Array.fromAsync(
    followRequest(connection as unknown as Connection, 'req-1', { signal: over.signal }),
  );
  await expect(followed).rejects.toThrow('enough');
  expect(asked).toBeLessThan(2 * ENOUGH);
});
