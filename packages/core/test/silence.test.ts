import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { afterSilence, withDeadline } from '../src/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('acts once, after so long', () => {
  const act = vi.fn();
  afterSilence(3_000, act);
  vi.advanceTimersByTime(2_999);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10_000);
  expect(act).toHaveBeenCalledTimes(1);
});

it('acts as late as is asked, however short that is', () => {
  const act = vi.fn();
  afterSilence(1, act);
  vi.advanceTimersByTime(2);
  expect(act).toHaveBeenCalledTimes(1);
});

it('does not act once it was ended', () => {
  const act = vi.fn();
  const end = afterSilence(3_000, act);
  vi.advanceTimersByTime(2_900);
  end();
  vi.advanceTimersByTime(10_000);
  expect(act).not.toHaveBeenCalled();
});

it.each([
  ['many ticks', 300],
  ['the last one', 50],
])('does not count the time in which this process stood still, before %s', async (_, ms) => {
  vi.useRealTimers();
  const act = vi.fn();
  const end = afterSilence(ms, act);
  // What has arrived meanwhile ends the waiting.
  const { port1, port2 } = new MessageChannel();
  port2.on('message', end);
  port1.postMessage('an answer');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
  await once(port2, 'message');
  await setImmediate();
  expect(act).not.toHaveBeenCalled();
  port1.close();
});

it('ends as the work does, or says who has not answered in time', async () => {
  vi.useRealTimers();
  const never = new Promise(() => undefined);
  expect(await withDeadline(Promise.resolve(7), 1_000, 'Redis')).toBe(7);
  await expect(withDeadline(Promise.reject(new Error('refused')), 1_000, 'Redis')).rejects.toThrow('refused');
  await expect(withDeadline(never, 20, 'Redis')).rejects.toMatchObject({
    kind: 'timeout',
    code: 'DEADLINE_PASSED',
    message: 'Redis has not answered within 20ms',
  });
  await expect(withDeadline(never, 20, () => new Error('closed'))).rejects.toThrow('closed');
});
