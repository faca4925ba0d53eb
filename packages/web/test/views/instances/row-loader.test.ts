import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RowLoader, type RowPage } from '../../../src/views/instances/row-loader.ts';

interface Call {
  readonly offset: number;
  readonly signal: AbortSignal;
  readonly answer: (page: RowPage<number>) => void;
  readonly fail: (error: Error) => void;
}

let calls: Call[];
let loader: RowLoader<number>;

beforeEach(() => {
  vi.useFakeTimers();
  calls = [];
  loader = new RowLoader((offset, _limit, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<RowPage<number>>();
    signal.addEventListener('abort', () => reject(signal.reason));
    calls.push({ offset, signal, answer: resolve, fail: reject });
    return promise;
  });
});
afterEach(() => {
  loader.stop();
  vi.useRealTimers();
});

/** Answers the call number `at` with rows that are their own places. */
async function answer(at: number, total = 1_000): Promise<void> {
  const call = calls[at];
  const length = Math.max(0, Math.min(100, total - (call?.offset ?? 0)));
  call?.answer({ items: Array.from({ length }, (_, i) => (call.offset ?? 0) + i), total });
  await vi.advanceTimersByTimeAsync(0);
}

it('loads the first rows at once, and others once the scrolling rests', async () => {
  loader.want(0, 30);
  await answer(0);
  expect([loader.total, loader.row(30)]).toEqual([1_000, 30]);
  loader.want(300, 330);
  loader.want(600, 630);
  loader.want(890, 910);
  await vi.advanceTimersByTimeAsync(100);
  expect(calls.map(({ offset }) => offset)).toEqual([0, 800, 900]);
});

it('gives up what is not looked at any more', async () => {
  loader.want(0, 30);
  await answer(0);
  loader.want(200, 230);
  await vi.advanceTimersByTimeAsync(100);
  loader.want(700, 730);
  await vi.advanceTimersByTimeAsync(100);
  expect([calls[1]?.signal.aborted, calls[2]?.offset, loader.error.value]).toEqual([true, 700, null]);
});

it('shows rows as they were until a change of them is loaded', async () => {
  loader.want(0, 30);
  await answer(0);
  loader.refresh();
  expect([calls.length, loader.row(3)]).toEqual([2, 3]);
  await answer(1, 2);
  expect([loader.total, loader.row(3)]).toEqual([2, undefined]);
});

it('says why nothing could be loaded, and tries again with the next change', async () => {
  loader.want(0, 30);
  calls[0]?.fail(new Error('no answer'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([calls.length, loader.error.value]).toEqual([1, 'no answer']);
  loader.refresh();
  await answer(1);
  expect([loader.error.value, loader.row(0)]).toEqual([null, 0]);
});

it('brings a range of rows, those that are not there from the server', async () => {
  loader.want(0, 30);
  await answer(0);
  const range = loader.range(98, 101);
  await answer(1);
  expect((await range).slice(0, 4)).toEqual([98, 99, 100, 101]);
});
