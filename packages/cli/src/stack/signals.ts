import type { Io } from '../io.ts';

/** What a second Ctrl-C ends with. */
export const EXIT_NOW = 130;

const STOP = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface StopSignals {
  /** Resolves with the first signal that asks to stop. */
  readonly first: Promise<string>;
  dispose(): void;
}

/** Listens for who asks this process to stop. `again` is called for each signal after the first. */
export function listenForStop({ signals }: Pick<Io, 'signals'>, again: () => void): StopSignals {
  const { promise, resolve } = Promise.withResolvers<string>();
  let stopping = false;
  const heard = (signal: string) => {
    if (stopping) again();
    stopping = true;
    resolve(signal);
  };
  for (const name of STOP) signals.on(name, heard);
  return {
    first: promise,
    dispose() {
      for (const name of STOP) signals.off(name, heard);
    },
  };
}
