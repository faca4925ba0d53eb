import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sayWhile } from '../../src/output/waiting.ts';
import { capture } from '../capture.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({
      toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval', 'performance'],
    }),
);
afterEach(() => void vi.useRealTimers());

/** All that is said on standard error while some work takes so long. */
async function saidDuring(ms: number, { tty }: { tty: boolean }, work = async () => 'done') {
  const io = capture({ tty });
  const writes: string[] = [];
  io.stderr.write = (text: string | Uint8Array) => writes.push(String(text)) > 0;
  const finish = Promise.withResolvers<void>();
  const ended = sayWhile(io, 'pruning', () => finish.promise.then(work)).catch(
    (error: Error) => error.message,
  );
  await vi.advanceTimersByTimeAsync(ms);
  finish.resolve();
  return { result: await ended, writes };
}

it('says nothing of what is over within a second, nor without a terminal', async () => {
  expect(await saidDuring(900, { tty: true })).toEqual({ result: 'done', writes: [] });
  expect(await saidDuring(60_000, { tty: false })).toEqual({ result: 'done', writes: [] });
});

it('says each second what goes on, and takes that back in the end, also where it fails', async () => {
  const fails = () => Promise.reject(new Error('failed'));
  for (const [work, result] of [
    [undefined, 'done'],
    [fails, 'failed'],
  ] as const) {
    const said = await saidDuring(3_500, { tty: true }, work);
    expect(said.result).toBe(result);
    expect(said.writes.slice(0, -1).map((text) => text.replace('\r\u001b[K', ''))).toEqual(
      ['1s', '2s', '3s'].map((for_) => `pruning, for ${for_} …`),
    );
    expect(said.writes.at(-1)).toBe('\r\u001b[K');
    expect(vi.getTimerCount()).toBe(0);
  }
});
