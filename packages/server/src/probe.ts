import { messageOf, withDeadline } from '@spica/core';
import { singleFlight } from '@spica/pool';

/** Asks whether Redis answers: null when it does, else why not, at the latest after the probe's deadline. */
export type Probe = () => Promise<string | null>;

/** Pings one at a time, however many ask. A ping without an answer is given up, so that the next one can be sent. */
export function createProbe(ping: () => Promise<unknown>, deadlineMs: number): Probe {
  const pingOnce = singleFlight(() => withDeadline(ping(), deadlineMs, 'Redis'));
  return async () => {
    try {
      await withDeadline(pingOnce(), deadlineMs, 'Redis'); // the ping before it may take as long
      return null;
    } catch (error) {
      return messageOf(error);
    }
  };
}
