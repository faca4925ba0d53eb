import * as z from 'zod';
import { backOffUntil, type Failure } from '../retention/failure.ts';

const count = z.int().min(0);

/** That an instance's results were collected: when, where to, and what of. */
export const collectedSchema = z.strictObject({
  /** When it was begun, epoch milliseconds: what changed later may not be in it. */
  at: count,
  /** The directory or archive that it went to, on the host that serves the pool. */
  to: z.string(),
  files: count,
  bytes: count,
  /** How many entries that match were left out: `spica-collected.json` there names them. */
  skipped: count,
  /** SHA-256 over the paths, sizes, times and inodes of what matched: another one means that something changed since. */
  state: z.string(),
});
export type Collected = z.infer<typeof collectedSchema>;

/** What a record says that matters for collecting. */
interface Collectable {
  readonly collect: readonly string[];
  readonly collected: Collected | null;
  readonly lease: { readonly expiresAt: number } | null;
  readonly releasedAt: number | null;
}

/**
 * When an instance's results are to be collected because its lease has ended, epoch milliseconds; null where nothing is: it
 * has nothing to collect, never had a lease, or was collected since. One whose collection failed waits until it is tried again.
 */
export function collectionDueAt(record: Collectable, failure: Failure | null): number | null {
  const endedAt = record.lease?.expiresAt ?? record.releasedAt;
  if (record.collect.length === 0 || endedAt === null) return null;
  if (record.collected !== null && record.collected.at >= endedAt) return null;
  return failure === null ? endedAt : Math.max(endedAt, backOffUntil(failure));
}

/**
 * Whether an instance may be deleted as far as its results go. `now` is the state of what matches at present, as
 * `Collected.state`; null where nobody has looked: then what was never collected is told from the rest.
 */
export function mayGoUncollected(
  { collect, collected }: Pick<Collectable, 'collect' | 'collected'>,
  now: string | null,
): boolean {
  if (collect.length === 0) return true;
  return collected !== null && now !== null && collected.state === now;
}
