import { EventEmitter } from 'node:events';
import type { Queue, QueueEvents } from 'bullmq';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { endOf } from '../src/end.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A queue whose events never come, and of which each look finds what is next. */
function waitFor(...looks: (() => Promise<unknown>)[]) {
  const getJob = vi.fn(() => (looks.shift() ?? open)());
  const events = new EventEmitter();
  const never = new Promise<never>(() => undefined);
  const end = endOf({ getJob } as unknown as Queue, events as unknown as QueueEvents, 'job', never);
  return { end, events, getJob };
}

const open = async () => ({});
const done = async () => ({ finishedOn: 1, returnvalue: 7 });
const gone = async () => undefined;
const away = () => Promise.reject(new Error('Connection is closed.'));

it.each([
  ['has ended', [open, open, done], { result: 7 }],
  ['is not there any more', [open, gone], null],
  ['has ended while Redis was away', [open, away, away, done], { result: 7 }],
])('finds by itself that a job %s, where its event was lost', async (_, looks, expected) => {
  const { end, events } = waitFor(...looks);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await end).toEqual(expected);
  expect([vi.getTimerCount(), events.eventNames()]).toEqual([0, []]);
});

it('looks once where the event comes', async () => {
  const { end, events, getJob } = waitFor();
  events.emit('completed', { jobId: 'job', returnvalue: 7 });
  expect(await end).toEqual({ result: 7 });
  expect(getJob).toHaveBeenCalledTimes(1);
});
