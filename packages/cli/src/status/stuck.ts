import { backOffUntil, helpWithFailure } from '@spica/core';
import type { TrashEntry } from '@spica/pool';
import { toIso } from '../output/age.ts';

/** An entry of the trash that could not be deleted. */
export interface Stuck {
  readonly id: string;
  readonly path: string;
  /** What is left of it, as last measured. */
  readonly bytes: number | null;
  readonly cause: string;
  readonly since: string | null;
  /** When it is tried again by itself. */
  readonly triedAgainAt: string | null;
  /** What to do about it. */
  readonly help: string;
}

/** What of the trash could not be deleted. */
export function listStuck(trash: readonly TrashEntry[]): Stuck[] {
  return trash.flatMap(({ id, path, note }) => {
    const failure = note?.failure ?? null;
    if (failure === null) return [];
    const { cause, since } = failure;
    const times = { since: toIso(since), triedAgainAt: toIso(backOffUntil(failure)) };
    return [{ id, path, bytes: note?.bytes ?? null, cause, ...times, help: helpWithFailure(failure) }];
  });
}
