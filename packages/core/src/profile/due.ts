/** One measurement, as far as it matters for when to take the next. */
interface Measurement {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly ownBytes: number;
}

/** `sample.every` and `sample.max_age`: the least and the most between two samples of one instance. */
export interface SampleTerms {
  readonly leastMs: number;
  readonly mostMs: number;
}

/** How much an instance may grow unseen: a share of its size, or so many bytes where that is more. */
const UNSEEN_SHARE = 0.01;
const UNSEEN_BYTES = 1_000_000;

/**
 * How long after its last sample an instance is due again: as soon as it can have grown by a hundredth (or 1 MB) at its
 * last speed, and at most after twice the time that lay between its last two samples. So one that grows is measured at
 * every pass, and one that is quiet ever more rarely. `history` is in order of time; only its last two count.
 */
export function dueAfterMs(history: readonly Measurement[], { leastMs, mostMs }: SampleTerms): number {
  const last = history.at(-1);
  const before = history.at(-2);
  if (last === undefined || before === undefined || last.at <= before.at) return leastMs;
  const tookMs = last.at - before.at;
  const changed = Math.abs(last.ownBytes - before.ownBytes);
  const unseen = Math.max(last.ownBytes * UNSEEN_SHARE, UNSEEN_BYTES);
  const afterMs = Math.min(
    2 * tookMs,
    changed === 0 ? Number.POSITIVE_INFINITY : (unseen * tookMs) / changed,
  );
  return Math.round(Math.min(mostMs, Math.max(leastMs, afterMs)));
}
