import type { Amount } from '@spica/core';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Line, type Waiting } from '../../src/gate/line.ts';

const ROOM: Amount = { bytes: 50, inodes: 50, slots: 5 };

/** What BullMQ throws for a job that is not delayed, or not there. */
const NOT_DELAYED = Object.assign(new Error('Job is not in the delayed state'), { code: -3 });

let line: Line;
let neighbours: Set<Line>;
/** In the order in which they were brought back to the gate. */
let promoted: string[];
let gone: Set<string>;
let errors: unknown[];
let promote: (request: string) => Promise<void>;
beforeEach(() => {
  vi.useFakeTimers();
  promoted = [];
  gone = new Set();
  errors = [];
  promote = async (request) => {
    if (gone.has(request)) throw NOT_DELAYED;
    promoted.push(request);
  };
  neighbours = new Set();
  line = openLine();
});
afterEach(() => vi.useRealTimers());

/** The line of one more pool on the filesystem. */
function openLine(): Line {
  const isOpen = async (request: string) => !gone.has(request);
  const opened = new Line({ isOpen, neighbours, onError: (error) => errors.push(error) });
  neighbours.add(opened);
  return opened;
}

/** A request that is held, and was submitted when it says. */
function waiting(request: string, submittedAt: number, bytes: number | null = 10): Waiting {
  const need = bytes === null ? null : { bytes, inodes: 1, slots: 1 };
  const job = { promote: () => promote(request) };
  return { request, submittedAt, heldAt: submittedAt, count: 1, reason: 'short', short: null, need, job };
}

async function holdAll(...all: Waiting[]): Promise<void> {
  for (const each of all) await line.hold(each, null);
}

it('wakes the head of the line alone: who was held first, whoever was submitted first', async () => {
  await holdAll({ ...waiting('b', 1), heldAt: 6 }, { ...waiting('a', 2), heldAt: 5 }, waiting('c', 7));
  promoted = [];
  await line.wake();
  expect(promoted).toEqual(['a']);
  expect(line.inOrder().map(({ request }) => request)).toEqual(['a', 'b', 'c']);
});

it('goes on down the line while they fit', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2), waiting('c', 3));
  await line.wake();
  await line.leave('a'); // admitted
  await line.leave('b');
  expect(promoted).toEqual(['a', 'b', 'c']);
  await line.leave('c');
  expect(promoted).toEqual(['a', 'b', 'c']);
});

it('passes over those that would not fit, when the one that was woken is held again', async () => {
  await holdAll(waiting('large', 1, 100), waiting('alike', 2, 60), waiting('small', 3), waiting('last', 4));
  await line.wake();
  await line.hold(waiting('large', 1, 100), ROOM);
  expect(promoted).toEqual(['large', 'small']);
  await line.hold(waiting('small', 3), ROOM); // others were faster
  expect(promoted).toEqual(['large', 'small', 'last']);
  await line.hold(waiting('last', 4), ROOM);
  expect(promoted).toEqual(['large', 'small', 'last']);
});

it('counts inodes and slots as room, and wakes nobody where nobody knows what room there is', async () => {
  const many = { ...waiting('many', 2), need: { bytes: 1, inodes: 60, slots: 1 } };
  const wide = { ...waiting('wide', 3), need: { bytes: 1, inodes: 1, slots: 6 } };
  await holdAll(waiting('a', 1), many, wide, waiting('fits', 4), waiting('behind', 5));
  await line.wake();
  await line.hold(waiting('a', 1), null);
  expect(promoted).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(100);
  await line.wake();
  await line.hold(waiting('a', 1), ROOM);
  expect(promoted).toEqual(['a', 'a', 'fits']);
});

it('wakes one whose need nobody knows yet, wherever room is', async () => {
  await holdAll(waiting('a', 1), waiting('large', 2, 60), waiting('unknown', 3, null));
  await line.wake();
  await line.hold(waiting('a', 1), ROOM);
  expect(promoted).toEqual(['a', 'unknown']);
});

it('passes on from the head that came by itself, and from nobody behind it', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2), waiting('c', 3));
  await line.hold(waiting('b', 2), ROOM);
  expect(promoted).toEqual([]);
  await line.hold(waiting('a', 1), ROOM);
  expect(promoted).toEqual(['b']);
});

it('joins wake-ups within 100 ms to one more, and counts each of them', async () => {
  await holdAll(waiting('a', 1));
  for (let i = 0; i < 5; i += 1) await line.wake();
  expect([promoted.length, line.wakes]).toEqual([1, 5]);
  await vi.advanceTimersByTimeAsync(99);
  expect(promoted).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(promoted).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(promoted).toHaveLength(2);
  await line.wake();
  expect(promoted).toHaveLength(3);
});

it('drops one whose job was removed when its turn comes, and wakes the next', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2), waiting('c', 3));
  gone.add('a').add('b');
  await line.wake();
  expect(promoted).toEqual(['c']);
  expect(line.inOrder().map(({ request }) => request)).toEqual(['c']);
});

it('drops one that stands in the way once its job is gone, and only then', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2));
  expect(await line.dropIfGone('a')).toBe(false);
  expect(line.size).toBe(2);
  gone.add('a');
  expect(await line.dropIfGone('a')).toBe(true);
  expect([line.inOrder().length, promoted]).toEqual([1, ['b']]);
});

it('keeps one that is on its way to the gate already', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2));
  promote = () => Promise.reject(NOT_DELAYED);
  await line.wake();
  expect(line.size).toBe(2);
});

it('brings back a cancelled request at once, wherever it stands, and nobody for one that is not held', async () => {
  await holdAll(waiting('a', 1), waiting('b', 2));
  await line.bringBack('b');
  await line.bringBack('nobody');
  expect(promoted).toEqual(['b']);
});

it('says what Redis said when a request cannot be brought back: to who woke it, or to the log', async () => {
  await holdAll(waiting('a', 1));
  const away = new Error('Redis is away');
  promote = () => Promise.reject(away);
  await expect(line.wake()).rejects.toBe(away);
  await line.wake(); // joined
  await vi.advanceTimersByTimeAsync(100);
  expect(errors).toEqual([away]);
  expect(line.size).toBe(1);
});

it('wakes the heads of the pools on the same filesystem too, whatever Redis says of one of them', async () => {
  const others = [openLine(), openLine()];
  await holdAll(waiting('a', 1));
  for (const [i, other] of others.entries()) await other.hold(waiting(`of-${i}`, 1), null);
  await line.wake();
  expect(promoted).toEqual(['a', 'of-0', 'of-1']);
  expect([line, ...others].map(({ wakes }) => wakes)).toEqual([1, 1, 1]);
  await vi.advanceTimersByTimeAsync(100);
  const away = new Error('Redis is away');
  promote = async (request) => {
    if (request === 'of-0') throw away;
    promoted.push(request);
  };
  await line.wake();
  expect([promoted.slice(3), errors]).toEqual([['a', 'of-1'], [away]]);
});
