import {
  type Breaker,
  CLOSED_BREAKER,
  type ExpectedGrowth,
  type Finished,
  type PressureLevel,
  type Profile,
  profileOf,
  type Size,
  type SpawnStart,
} from '@spica/core';
import type { Template } from './scenario.ts';

/** An instance: what is known of it, and what it really is. Times named `…True` are virtual, others are the clock's. */
export interface Instance {
  readonly id: string;
  readonly request: Request;
  readonly index: number;
  readonly spawnedAt: number;
  state: 'in-flight' | 'ready' | 'deleting';
  leaseEndsAt: number | null;
  lastLeasedAt: number;
  pinned: boolean;
  samples: { at: number; ownBytes: number; ownInodes: number }[];
  /** When its size last changed, as far as it was measured. */
  lastChangedAt: number;
  nextSampleTrue: number;
  growth: ExpectedGrowth;
  recorded: boolean;
  readonly bornTrue: number;
  readonly final: Size;
  readonly growMs: number;
  /** 1 grows steadily, less does most of it early, more late. */
  readonly curve: number;
  /** When it stops to grow, whatever it has become. */
  stopsTrue: number;
  /** What it may become, as the last admission reckoned. */
  allowed: Size;
}

/** A request: what the runner asked for, and where it stands. */
export interface Request {
  readonly id: string;
  readonly template: Template;
  readonly experiment: string | null;
  /** What its instances will become. */
  readonly finals: readonly Size[];
  readonly runMs: number;
  readonly submittedTrue: number;
  /** Called once, when it has ended. */
  readonly onEnd: (end: 'done' | 'failed' | 'rejected') => void;
  step: 'preflight' | 'release' | 'undo' | 'running' | 'ended';
  heldAt: number | null;
  heldTrue: number | null;
  reason: string | null;
  /** What one of its instances was admitted with; null before. */
  predicted: Size | null;
  /** With perfect knowledge it would be admitted now. */
  admissible: boolean;
  /** It was held at a time when it could have been admitted with perfect knowledge. */
  wronglyHeld: boolean;
  undoTo: 'preflight' | 'failed';
  admittedTrue: number | null;
}

/** What Redis keeps, so what a killed worker finds again. */
export class Store {
  readonly instances = new Map<string, Instance>();
  readonly requests = new Map<string, Request>();
  readonly reservations = new Map<string, { readonly each: Size; slots: number }>();
  readonly #finished = new Map<string, Finished[]>();
  readonly #profiles = new Map<string, Profile | null>();
  breaker: Breaker = CLOSED_BREAKER;
  starts: SpawnStart[] = [];
  level: PressureLevel = 'ok';

  get reserved(): { bytes: number; inodes: number; slots: number } {
    const sum = { bytes: 0, inodes: 0, slots: 0 };
    for (const { each, slots } of this.reservations.values()) {
      sum.bytes += slots * each.bytes;
      sum.inodes += slots * each.inodes;
      sum.slots += slots;
    }
    return sum;
  }

  /** What all instances are still expected to add. */
  growth(now: number): Size {
    const sum = { bytes: 0, inodes: 0 };
    for (const { growth } of this.instances.values()) {
      if (growth.endsAt <= now) continue;
      sum.bytes += growth.bytes;
      sum.inodes += growth.inodes;
    }
    return sum;
  }

  held(): { request: string; heldAt: number }[] {
    return [...this.requests.values()].flatMap(({ id, heldAt }) =>
      heldAt === null ? [] : [{ request: id, heldAt }],
    );
  }

  finish(of: string, finished: Finished): void {
    const history = this.#finished.get(of) ?? [];
    history.push(finished);
    if (history.length > 1_000) history.shift();
    this.#finished.set(of, history);
    this.#profiles.delete(of);
  }

  profile(of: string): Profile | null {
    const known = this.#profiles.get(of);
    if (known !== undefined) return known;
    const profile = profileOf(this.#finished.get(of) ?? []);
    this.#profiles.set(of, profile);
    return profile;
  }
}
