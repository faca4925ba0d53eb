import type { ErrorDetails } from '@spica/core';
import type { Io } from '../io.ts';

/** The user pressed Ctrl-C; the message says what goes on without them. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.details = details;
  }
}

/** Calls back on Ctrl-C, instead of the process ending on the spot, until the returned function is called. */
export function onInterrupt(io: Io, callback: () => void): () => void {
  io.signals.on('SIGINT', callback);
  return () => {
    io.signals.off('SIGINT', callback);
  };
}
