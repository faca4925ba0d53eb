import { singleFlight } from '@spica/pool';
import type { Io } from '../io.ts';

/** What a second Ctrl-C ends with. */
export const EXIT_NOW = 130;

const STOP = ['SIGINT', 'SIGTERM'] as const;
const HANG_UP = 'SIGHUP';

export interface StopSignals {
  /** Resolves with the first signal that asks to stop. */
  readonly first: Promise<string>;
  dispose(): void;
}

/**
 * Listens for who asks this process to stop. `again` is called for each signal after the first. `hangUpStops`: SIGHUP is
 * one of them, as when the terminal is closed.
 */
export function listenForStop(
  { signals }: Pick<Io, 'signals'>,
  again: () => void,
  { hangUpStops = true } = {},
): StopSignals {
  const { promise, resolve } = Promise.withResolvers<string>();
  let stopping = false;
  const names = hangUpStops ? [...STOP, HANG_UP] : STOP;
  const heard = (signal: string) => {
    if (stopping) again();
    stopping = true;
    resolve(signal);
  };
  for (const name of names) signals.on(name, heard);
  return {
    first: promise,
    dispose() {
      for (const name of names) signals.off(name, heard);
    },
  };
}

/**
 * Calls `reload` for each SIGHUP, one call at a time: those that come while one runs are one more. It must not throw.
 * Call the result to end that.
 */
export function listenForReload({ signals }: Pick<Io, 'signals'>, reload: () => Promise<void>): () => void {
  const run = singleFlight(reload);
  signals.on(HANG_UP, run);
  return () => signals.off(HANG_UP, run);
}
