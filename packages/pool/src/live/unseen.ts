import { countOf } from '@spica/core';
import type { LiveUses } from './processes.ts';

/** What a look through the processes could not see. */
export interface Unseen {
  /** Processes that could not be looked into. */
  readonly processes: number;
  /** In words, with what it means. */
  readonly sentence: string;
}

/** Null where all could be seen. */
export function unseenOf({ unreadable, hidden }: Pick<LiveUses, 'unreadable' | 'hidden'>): Unseen | null {
  if (unreadable === 0 && hidden === null) return null;
  const closed =
    unreadable === 0
      ? []
      : [
          `${countOf(unreadable, 'process', 'processes')} of other users or privileges could not be looked into`,
        ];
  const what = [...closed, ...(hidden === null ? [] : [hidden])].join(', and ');
  return { processes: unreadable, sentence: `${what}: what they have open is not known` };
}
