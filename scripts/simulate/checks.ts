import type { Amount, Size } from '@spica/core';
import { HOST, MINUTE, TERMS } from './scenario.ts';
import { countedAs } from './serving.ts';
import type { Instance, Request, RequestEnd, Store } from './store.ts';
import type { World } from './world.ts';

/** How far below the floor the disk was, and by whose doing. */
export interface Below {
  minutes: number;
  /** The deepest, and the deepest part of it that others are not to blame for. */
  worstBytes: number;
  worstByExcessBytes: number;
}

/** One point of the chart. */
export interface Use {
  readonly instancesBytes: number;
  readonly othersBytes: number;
}

const NOTHING: Size = { bytes: 0, inodes: 0 };

/**
 * Watches from outside: knows the truth and what Redis keeps, and nothing of the ledger. When a request is admitted, or
 * a preparation begins, the sum must hold, counted anew from all there is. So whatever then takes the disk below its
 * floor is what others wrote since, or what instances took beyond what they were allowed.
 */
export class Checks {
  readonly violations: string[] = [];
  readonly below: Below = { minutes: 0, worstBytes: 0, worstByExcessBytes: 0 };
  readonly uses: Use[] = [];
  readonly waitsMs: number[] = [];
  readonly ends = { done: 0, failed: 0, rejected: 0 };
  wronglyHeld = 0;
  everHeld = 0;
  /** Requests that were held again after they had been admitted, since others took the room. */
  sentBack = 0;
  prepared = 0;
  lowestBytes: number = HOST.totalBytes;
  readonly #world: World;
  #othersAtAdmission = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Called when the admission is kept, and the request not yet among the admitted. The disk was read at `readTrue`. */
  onAdmit(store: Store, request: Request, { need, readTrue }: { need: Amount; readTrue: number }): void {
    this.#checkOrder(store, request);
    this.#checkSum(store, need, readTrue, `request ${request.id}`);
    this.#allow(readTrue);
    request.admittedTrue = this.#world.agenda.now;
  }

  onPreparation(store: Store, size: Size): void {
    const readTrue = this.#world.agenda.now;
    this.#checkSum(store, { ...size, slots: 0 }, readTrue, 'a preparation');
    this.#allow(readTrue);
    this.prepared += 1;
  }

  /** A clone begins: with those under way it must leave the floor, whatever others took since the admission. */
  onClone(size: Size): void {
    const { availableBytes, freeInodes } = this.#world.space();
    let bytes = HOST.floor.bytes + size.bytes - availableBytes;
    let inodes = HOST.floor.inodes + size.inodes - (freeInodes ?? Number.POSITIVE_INFINITY);
    for (const { writings } of this.#world.stores) {
      for (const writing of writings.values()) {
        if (writing.kind !== 'clone') continue;
        const written = this.#world.sizeOfWriting(writing);
        bytes += writing.size.bytes - written.bytes;
        inodes += writing.size.inodes - written.inodes;
      }
    }
    if (bytes > 1 || inodes > 1)
      this.#violate(`a clone began ${bytes} bytes, ${inodes} inodes below the floor`);
  }

  /** From now on only others, and what instances exceed this by, may take the disk below its floor. */
  #allow(readTrue: number): void {
    for (const instance of this.#world.instances()) {
      const size = this.#world.sizeOf(instance, readTrue);
      const left = this.#growthOf(instance);
      instance.allowed = { bytes: size.bytes + left.bytes, inodes: size.inodes + left.inodes };
    }
    this.#othersAtAdmission = this.#world.othersBytes(readTrue);
  }

  /** What an instance may still add, by its record. A lease that has really ended stays so when the clock is set back. */
  #growthOf(instance: Instance): Size {
    const { agenda, guardedNow } = this.#world;
    const { growth } = countedAs(instance, this.#world);
    return growth.endsAt > guardedNow && instance.leaseEndsTrue > agenda.now ? growth : NOTHING;
  }

  /** `available − reserved − growth − floor ≥ need`, and no more instances than there may be. */
  #checkSum(store: Store, need: Amount, readTrue: number, what: string): void {
    const { availableBytes, freeInodes } = this.#world.space(readTrue);
    const taken = { ...HOST.floor };
    const add = ({ bytes, inodes }: Size, times = 1) => {
      taken.bytes += times * bytes;
      taken.inodes += times * inodes;
    };
    for (const each of this.#world.stores) {
      for (const request of each.requests.values())
        add(request.admitted?.each ?? NOTHING, missing(each, request));
      for (const { kind, size } of each.writings.values()) if (kind === 'snapshot') add(size);
    }
    for (const instance of this.#world.instances()) add(this.#growthOf(instance));
    const bytes = need.bytes - (availableBytes - taken.bytes);
    const inodes = need.inodes - ((freeInodes ?? Number.POSITIVE_INFINITY) - taken.inodes);
    let slots = need.slots + store.instances.size - TERMS.maxInstances;
    for (const request of store.requests.values()) slots += missing(store, request);
    if (bytes <= 1 && inodes <= 1 && (slots <= 0 || need.slots === 0)) return;
    this.#violate(`${what} was let in, and ${bytes} bytes, ${inodes} inodes, ${slots} slots were missing`);
  }

  /** Nobody who came later may pass a request that has waited for longer than the barrier. */
  #checkOrder(store: Store, request: Request): void {
    const { agenda, clockChangedTrue } = this.#world;
    for (const other of store.requests.values()) {
      if (other === request || other.step !== 'held' || other.heldTrue === null) continue;
      const isLater = request.heldTrue === null || request.heldTrue > other.heldTrue;
      const waitedMs = agenda.now - other.heldTrue;
      if (!isLater || waitedMs <= TERMS.barrierAfterMs || clockChangedTrue >= other.heldTrue) continue;
      this.#violate(`request ${request.id} passed ${other.id}, which had waited for ${waitedMs} ms`);
    }
  }

  /** Only a host that fails may count for the breaker: a full disk does not. */
  onSpawnEnd({ limits }: Store): void {
    if (this.#world.hostWasBroken || limits.breaker.failures === 0) return;
    this.#violate('the breaker counts a failure of the host, which never failed');
  }

  onEnd(request: Request, end: RequestEnd, reason: string): void {
    this.ends[end] += 1;
    if (end === 'rejected')
      this.#violate(`request ${request.id} fits an empty pool, and was rejected: ${reason}`);
    if (end === 'failed' && !this.#world.hostWasBroken)
      this.#violate(`request ${request.id} failed, and the host did not: ${reason}`);
    if (request.wronglyHeld) this.wronglyHeld += 1;
    if (request.admittedTrue === null) return;
    if (request.heldTrue !== null) this.everHeld += 1;
    this.waitsMs.push(request.admittedTrue - request.submittedTrue);
  }

  /** Once a minute. */
  watch(): void {
    const { availableBytes, freeInodes } = this.#world.space();
    this.lowestBytes = Math.min(this.lowestBytes, availableBytes);
    const missingBytes = HOST.floor.bytes - availableBytes;
    const missingInodes = HOST.floor.inodes - (freeInodes ?? HOST.floor.inodes);
    if (missingBytes <= 0 && missingInodes <= 0) return;
    const excess = this.#excess();
    const byOthers = Math.max(0, this.#world.othersBytes() - this.#othersAtAdmission);
    const byOwn = Math.max(0, missingBytes - byOthers);
    this.below.minutes += 1;
    this.below.worstBytes = Math.max(this.below.worstBytes, missingBytes);
    this.below.worstByExcessBytes = Math.max(this.below.worstByExcessBytes, byOwn);
    if (byOwn > excess.bytes + 1 || missingInodes > excess.inodes) {
      this.#violate(
        `admitted work is ${byOwn} bytes and ${missingInodes} inodes below the floor; ` +
          `instances exceed what was expected by ${excess.bytes} bytes and ${excess.inodes} inodes`,
      );
    }
  }

  /** What instances have taken beyond what the last admission reckoned with. */
  #excess(): Size {
    const sum = { bytes: 0, inodes: 0 };
    for (const instance of this.#world.instances()) {
      const size = this.#world.sizeOf(instance);
      sum.bytes += Math.max(0, size.bytes - instance.allowed.bytes);
      sum.inodes += Math.max(0, size.inodes - instance.allowed.inodes);
    }
    return sum;
  }

  draw(): void {
    const { availableBytes } = this.#world.space();
    const othersBytes = this.#world.othersBytes();
    this.uses.push({ othersBytes, instancesBytes: HOST.totalBytes - availableBytes - othersBytes });
  }

  /** After the last request should have ended. */
  close(): void {
    for (const { requests } of this.#world.stores) {
      for (const { id, reason, submittedTrue } of requests.values()) {
        const hours = Math.round((this.#world.agenda.now - submittedTrue) / (60 * MINUTE));
        this.#violate(`request ${id} has not ended after ${hours} h: ${reason}`);
      }
    }
  }

  #violate(what: string): void {
    this.violations.push(`minute ${Math.round(this.#world.agenda.now / MINUTE)}: ${what}`);
  }
}

/** How many instances of an admitted request are not there yet. */
function missing(store: Store, request: Request): number {
  if (request.step !== 'admitted') return 0;
  return request.finals.length - store.instancesOf(request).length;
}
