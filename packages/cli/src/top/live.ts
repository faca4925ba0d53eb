import { setTimeout as sleep } from 'node:timers/promises';
import type { Transport } from '@spica/client/redis';
import { messageOf, UnreachableError } from '@spica/core';
import type { Io } from '../io.ts';
import { paintFor } from '../output/paint.ts';
import { drawTop, roomFor } from './draw.ts';
import { readTop, type TopView } from './read.ts';
import { press, type TopState } from './state.ts';
import { screenOf, takeTerminal } from './terminal.ts';

const EVERY_MS = 1_000;

/**
 * Shows a pool on the whole terminal, anew each second and at each key, until somebody ends it. While the stack is out of
 * reach it says since when what it shows is old.
 */
export async function showLive(io: Io, transport: Transport, begun: TopState, first: TopView): Promise<void> {
  const paint = paintFor(io.stdout, io);
  const over = new AbortController();
  let [state, view, away]: [TopState, TopView, string | null] = [begun, first, null];
  let wake = new AbortController();
  let shown: Pick<TopState, 'query' | 'offset'> = begun;
  const room = () => roomFor(screenOf(io.stdout), view.requests.length);
  const terminal = takeTerminal(io, {
    key: (key) => {
      state = press(state, key, room());
      if (state.isOver) over.abort();
      changed();
    },
    resized: () => changed(),
    ended: () => {
      over.abort();
      changed();
    },
  });
  const draw = () => {
    const screen = screenOf(io.stdout);
    terminal.show(drawTop(view, state, { screen, paint, away, isLive: true }));
  };
  const changed = () => {
    if (!over.signal.aborted) draw();
    wake.abort();
  };
  try {
    draw();
    while (!over.signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal: wake.signal }).catch(() => undefined);
      wake = new AbortController();
      // Paused, it reads only what somebody turns to.
      const isSame = state.query === shown.query && state.offset === shown.offset;
      if (over.signal.aborted || (state.isPaused && isSame)) continue;
      const asked = state;
      shown = asked;
      const read = await orOver(over.signal, () => readTop(transport, asked, room()));
      if (read === null || over.signal.aborted) continue;
      if ('away' in read) away = read.away;
      else [view, away, state] = [read.view, null, within(state, read.view, room())];
      draw();
    }
  } finally {
    terminal.giveBack();
  }
}

/** Null once it is over: nobody has to wait for a stack that does not answer. */
async function orOver(
  signal: AbortSignal,
  work: () => Promise<TopView>,
): Promise<{ readonly view: TopView } | { readonly away: string } | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const end = () => resolve(null);
  signal.addEventListener('abort', end, { once: true });
  const read = work().then(
    (view) => ({ view }),
    (error: unknown) => {
      if (!(error instanceof UnreachableError)) throw error;
      return { away: messageOf(error) };
    },
  );
  try {
    return await Promise.race([read, promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** Nobody scrolls past the end. */
function within(state: TopState, { total }: TopView, page: number): TopState {
  return { ...state, offset: Math.min(state.offset, Math.max(0, total - page)) };
}
