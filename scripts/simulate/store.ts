import {
  type Finished,
  type Limits,
  NO_LIMITS,
  type Profile,
  profileOf,
  type Shortage,
  type Size,
} from '@spica/core';
import type { Template } from './scenario.ts';

/** An instance: what is known of it, and what it really is. Times named `…True` are virtual, others are the clock's. */
export interface Instance {
  readonly id: string;
  readonly request: Request;
  readonly spawnedAt: number;
  state: 'in-flight' | 'ready' | 'deleting';
  /** What it was admitted with: safety included, and without. */
  readonly admitted: Admitted;
  readonly leasedSince: number;
  leaseEndsAt: number | null;
  /** When its last lease ends by no clock at all. */
  leaseEndsTrue: number;
  lastLeasedAt: number;
  pinned: boolean;
  samples: { at: number; ownBytes: number; ownInodes: number }[];
  /** When its size last changed, as far as it was measured. */
  lastChangedAt: number;
  nextSampleTrue: number;
  recorded: boolean;
  readonly bornTrue: number;
  readonly final: Size;
  readonly growMs: number;
  /** 1 grows steadily, less does most of it early, more late. */
  readonly curve: number;
  /** When it stops to grow, whatever it has become. */
  stopsTrue: number;
  /** What it may become, by the sum at the last admission. */
  allowed: Size;
}

/** What one instance of a request was admitted with. */
export interface Admitted {
  /** What is reserved for each, safety included. */
  readonly each: Size;
  /** What it is expected to become. */
  readonly expected: Size;
}

/** What a runner asks for. */
export interface Asked {
  readonly template: Template;
  readonly experiment: string | null;
  /** What its instances will become. */
  readonly finals: readonly Size[];
  readonly runMs: number;
}

/** A request: its job's data, and what only the checks know. */
export interface Request extends Asked {
  readonly id: string;
  readonly submittedTrue: number;
  /** Called once, when all its instances are there. */
  readonly onReady: (request: Request) => void;
  /** Called once, when it has ended. */
  readonly onEnd: (end: RequestEnd) => void;
  step: 'new' | 'held' | 'admitted' | 'undoing' | 'running' | 'ended';
  heldAt: number | null;
  reason: string;
  admitted: Admitted | null;
  /** What follows once it is undone. */
  undoTo: 'held' | 'failed';
  /** When it was first held. */
  heldTrue: number | null;
  admittedTrue: number | null;
  /** With perfect knowledge it would be admitted now. */
  admissible: boolean;
  /** It was held at a time when it could have been admitted with perfect knowledge. */
  wronglyHeld: boolean;
}

export type RequestEnd = 'done' | 'failed' | 'rejected';

/** A clone or a template's snapshot that is being written: it takes ever more of the disk until it is whole. */
export interface Writing {
  readonly kind: 'clone' | 'snapshot';
  readonly size: Size;
  readonly begunTrue: number;
  readonly takesMs: number;
  /** When it was cut off; null while it goes on. */
  cutOffTrue: number | null;
}

/** What is kept of one pool in Redis and on the disk: all that a killed worker leaves to the next. */
export class Store {
  readonly instances = new Map<string, Instance>();
  /** In the order in which they were submitted. */
  readonly requests = new Map<string, Request>();
  readonly writings = new Map<string, Writing>();
  /** Prepared snapshots by template, each with the version that it was made of. */
  readonly snapshots = new Map<string, { readonly version: number; readonly size: Size }>();
  readonly #finished = new Map<string, Finished[]>();
  readonly #profiles = new Map<string, Profile | null>();
  limits: Limits = NO_LIMITS;

  instancesOf(request: Request): Instance[] {
    return [...this.instances.values()].filter((instance) => instance.request === request);
  }

  /** Whether the template's snapshot is up to date. */
  isPrepared({ name, version }: Template): boolean {
    return this.snapshots.get(name)?.version === version;
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

/** A shortage of nothing: what a prune by the policy alone makes room for. */
const NOTHING = { bytes: 0, inodes: 0, slots: 0 };
export const NO_SHORTAGE: Shortage = { need: NOTHING, shortfall: NOTHING };
