import { withDeadline } from './deadline.ts';
import { sharedWhileUnderWay } from './shared.ts';

/** Asks whether Redis answers: null when it does, else why not, at the latest after the probe's deadline. */
export type Probe = () => Promise<string | null>;

/** All who ask at the same time share one ping. */
export function createProbe(ping: () => Promise<unknown>, deadlineMs: number): Probe {
  return sharedWhileUnderWay(() => ask(ping, deadlineMs));
}

async function ask(ping: () => Promise<unknown>, deadlineMs: number): Promise<string | null> {
  try {
    await withDeadline(ping(), deadlineMs, 'Redis');
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
