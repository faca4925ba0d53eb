import type { Size } from '../admission/space.ts';

/** What decided about an instance: the rule's name, stable, and the reason in words. */
export interface Verdict {
  readonly rule: string;
  readonly reason: string;
}

/** An instance as the planner sees it. */
export interface Candidate {
  readonly id: string;
  /** The experiment that it belongs to; null for none. */
  readonly experiment: string | null;
  /** Epoch milliseconds; null when it could not be read, which counts as very old. */
  readonly spawnedAt: number | null;
  /** A life of its own in milliseconds, for where it is shorter than the policy's. */
  readonly ttlMs: number | null;
  /** How good it was, higher is better; null without a score. */
  readonly score: number | null;
  /** Epoch milliseconds of the last time that a lease was granted or renewed; null for never. */
  readonly lastLeasedAt: number | null;
  /** Epoch milliseconds at which its last lease ended, or ends; null for an instance that never had one. */
  readonly usedUntil: number | null;
  /** Its owner has said that nobody needs it any more: it goes before all others that may go. */
  readonly discarded: boolean;
  /** Bytes and inodes that come back with its deletion; null when not known, which counts as none. */
  readonly bytes: number | null;
  readonly inodes: number | null;
  /** What it is still expected to add. That room is promised to it, and is free for others once it is gone. */
  readonly growth: Size;
  /** What keeps it, whatever the policy says: a lease, a pin, a process that works in it, … */
  readonly protectedBy: Verdict | null;
}
