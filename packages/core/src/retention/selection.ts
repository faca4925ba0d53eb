import type { Amount } from '../admission/space.ts';
import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { whatItBrings } from './brings.ts';
import type { Candidate, Verdict } from './candidate.ts';
import type { Terms } from './due.ts';
import { nameOrder } from './policy.ts';

/** Most deletions in one run, however large the excess. */
export const MAX_DELETIONS = 1_000;

/** What a plan must make room for. */
export interface Demand extends Terms {
  /** Slots reserved for requests that have not used them yet. */
  readonly reservedSlots: number;
  /** What a request needs in all; zeros for a plain prune. */
  readonly need: Amount;
  /** What of it is missing now. */
  readonly shortfall: Amount;
  /** Whom bytes are missing for; by default a request. */
  readonly missingFor?: 'request' | 'floor';
  /** Most deletions in one plan. */
  readonly limit?: number;
  /** The part of their bytes that deletions are expected to bring back (`shareAfter`); 1 where nothing is left out. */
  readonly share?: number;
}

/** What a selection came to. */
export interface Selected {
  readonly chosen: ReadonlyMap<Candidate, Verdict>;
  /** Due by a limit, but more than one run deletes. */
  readonly postponed: ReadonlyMap<Candidate, Verdict>;
  /** The instances' own bytes and inodes. */
  readonly frees: Amount;
  /** The most room that could be made for the request, as far as candidates were offered. */
  readonly most: Amount;
  /** Whether the request that it makes room for would then fit. */
  readonly sufficient: boolean;
}

/**
 * Picks what goes from instances that may go. First `take` all that a rule of their own makes due, then `offer` the
 * others in the policy's order, until it wants no more.
 */
export class Selection {
  readonly #demand: Demand;
  readonly #total: number;
  readonly #limit: number;
  readonly #always = new Map<Candidate, Verdict>();
  readonly #forRequest = new Map<Candidate, Verdict>();
  readonly #limitReason: string;
  #freedBytes = 0;
  #freedInodes = 0;
  /** Room for the request: what comes back, and what is not promised to them any more. */
  #roomBytes = 0;
  #roomInodes = 0;

  /** `total` counts all instances of the pool, those that must stay as well. */
  constructor(demand: Demand, total: number) {
    const { policy, reservedSlots, limit = MAX_DELETIONS } = demand;
    this.#demand = demand;
    this.#total = total;
    this.#limit = limit;
    const reserved = reservedSlots > 0 ? ` with ${reservedSlots} reserved` : '';
    this.#limitReason = `max_instances is ${policy.maxInstances}${reserved}`;
  }

  /** Whether one run deletes no more. */
  get isFull(): boolean {
    return this.#size >= this.#limit;
  }

  has(candidate: Candidate): boolean {
    return this.#always.has(candidate);
  }

  /** Has the instance go, whoever asks. */
  take(candidate: Candidate, verdict: Verdict): void {
    if (!this.isFull) this.#free(candidate, 1);
    this.#always.set(candidate, verdict);
  }

  /** Has the instance go if the count limit or the request still needs it. False when nothing more is wanted. */
  offer(candidate: Candidate): boolean {
    const { need, shortfall } = this.#demand;
    if (this.#excess(0) > 0) {
      this.take(candidate, { rule: 'count', reason: `${this.#place(candidate)}, ${this.#limitReason}` });
      return true;
    }
    if (this.isFull) return false;
    if (this.#excess(need.slots) > 0) {
      const reason = `${this.#place(candidate)}, ${this.#limitReason}, to make room for ${need.slots}`;
      this.#addForRequest(candidate, 'count', reason);
      return true;
    }
    if (this.#hasSpace(0, 0)) return false;
    const { bytes, inodes } = whatItBrings(candidate, this.#demand);
    const helps =
      (bytes > 0 && this.#roomBytes < shortfall.bytes) || (inodes > 0 && this.#roomInodes < shortfall.inodes);
    if (helps) this.#addForRequest(candidate, 'space', this.#spaceReason(candidate));
    return true;
  }

  /** What goes: for the request only if that lets it in, and then nothing that it could do without. */
  result(): Selected {
    const always = [...this.#always];
    const chosen = new Map(always.slice(0, this.#limit));
    const postponed = new Map(always.slice(this.#limit));
    const sufficient = this.#hasSlots(0) && this.#hasSpace(0, 0);
    const most = { bytes: this.#roomBytes, inodes: this.#roomInodes, slots: this.#size };
    if (sufficient) this.#spare();
    else this.#dropRequest();
    for (const [candidate, verdict] of this.#forRequest) chosen.set(candidate, verdict);
    const frees = { bytes: this.#freedBytes, inodes: this.#freedInodes, slots: chosen.size };
    return { chosen, postponed, frees, most, sufficient };
  }

  get #size(): number {
    return this.#always.size + this.#forRequest.size;
  }

  /** How many more would have to go, were there no limit to a run, for `slots` to be free. */
  #excess(slots: number): number {
    const { policy, reservedSlots } = this.#demand;
    return this.#total - this.#size + reservedSlots + slots - policy.maxInstances;
  }

  /** Whether the request's slots are free once this run is over, with `spared` instances fewer gone. */
  #hasSlots(spared: number): boolean {
    const { policy, reservedSlots, need } = this.#demand;
    const kept = this.#total - Math.min(this.#size, this.#limit) + spared;
    return need.slots === 0 || kept + reservedSlots + need.slots <= policy.maxInstances;
  }

  /** Whether the shortfall is covered, with room for so many bytes and inodes fewer. */
  #hasSpace(sparedBytes: number, sparedInodes: number): boolean {
    const { shortfall } = this.#demand;
    return (
      this.#roomBytes - sparedBytes >= shortfall.bytes && this.#roomInodes - sparedInodes >= shortfall.inodes
    );
  }

  #addForRequest(candidate: Candidate, rule: string, reason: string): void {
    this.#free(candidate, 1);
    this.#forRequest.set(candidate, { rule, reason });
  }

  /** What was chosen early may have become needless by what came after it: the last of the order is spared first. */
  #spare(): void {
    for (const candidate of [...this.#forRequest.keys()].reverse()) {
      const { bytes, inodes } = whatItBrings(candidate, this.#demand);
      if (!this.#hasSlots(1) || !this.#hasSpace(bytes, inodes)) continue;
      this.#forRequest.delete(candidate);
      this.#free(candidate, -1);
    }
  }

  #dropRequest(): void {
    for (const candidate of this.#forRequest.keys()) this.#free(candidate, -1);
    this.#forRequest.clear();
  }

  #free(candidate: Candidate, sign: 1 | -1): void {
    const room = whatItBrings(candidate, this.#demand);
    this.#freedBytes += sign * (candidate.bytes ?? 0);
    this.#freedInodes += sign * (candidate.inodes ?? 0);
    this.#roomBytes += sign * room.bytes;
    this.#roomInodes += sign * room.inodes;
  }

  /** Why it goes before others. */
  #place({ discarded }: Candidate): string {
    return discarded ? 'discarded by its owner' : `among the ${nameOrder(this.#demand.policy.order)}`;
  }

  #spaceReason(candidate: Candidate): string {
    const { growth } = candidate;
    const { shortfall, missingFor = 'request' } = this.#demand;
    const whom = missingFor === 'floor' ? 'for the floor' : 'for a request';
    const missing = [
      shortfall.bytes > 0 ? formatBytes(shortfall.bytes) : '',
      shortfall.inodes > 0 ? countOf(shortfall.inodes, 'inode') : '',
    ];
    const why = `${this.#place(candidate)}, ${missing.filter(Boolean).join(' and ')} missing ${whom}`;
    return growth.bytes > 0 ? `${why}; it was to grow by ${formatBytes(growth.bytes)} more` : why;
  }
}
