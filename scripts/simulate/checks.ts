import type { Size } from '@spica/core';
import { HOST, MINUTE } from './scenario.ts';
import type { Request } from './store.ts';
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

/**
 * Watches from outside: knows the truth and none of the rules. At the last admission the sum held, so whatever then
 * takes the disk below its floor is what others wrote since, or what instances took beyond what they were allowed.
 */
export class Checks {
  readonly violations: string[] = [];
  readonly below: Below = { minutes: 0, worstBytes: 0, worstByExcessBytes: 0 };
  readonly uses: Use[] = [];
  readonly waitsMs: number[] = [];
  readonly ends = { done: 0, failed: 0, rejected: 0 };
  wronglyHeld = 0;
  everHeld = 0;
  lowestBytes: number = HOST.totalBytes;
  readonly #world: World;
  #othersAtAdmission = 0;

  constructor(world: World) {
    this.#world = world;
  }

  onAdmit(request: Request): void {
    const { store, agenda, guardedNow } = this.#world;
    this.#checkOrder(request);
    for (const instance of store.instances.values()) {
      const size = this.#world.sizeOf(instance);
      const { growth } = instance;
      const left = growth.endsAt > guardedNow ? growth : { bytes: 0, inodes: 0 };
      instance.allowed = { bytes: size.bytes + left.bytes, inodes: size.inodes + left.inodes };
    }
    this.#othersAtAdmission = this.#world.othersBytes();
    request.admittedTrue ??= agenda.now;
  }

  /** Nobody who came later may pass a request that has waited for longer than the barrier. */
  #checkOrder(request: Request): void {
    const { store, agenda, clockChangedTrue } = this.#world;
    for (const other of store.requests.values()) {
      if (other === request || other.heldTrue === null) continue;
      const isLater = request.heldTrue === null || request.heldTrue > other.heldTrue;
      const waitedMs = agenda.now - other.heldTrue;
      if (!isLater || waitedMs <= HOST.barrierAfterMs || clockChangedTrue >= other.heldTrue) continue;
      this.#violate(`request ${request.id} passed ${other.id}, which had waited for ${waitedMs} ms`);
    }
  }

  onEnd(request: Request, end: 'done' | 'failed' | 'rejected', reason: string): void {
    this.ends[end] += 1;
    if (end === 'rejected')
      this.#violate(`request ${request.id} fits an empty pool, and was rejected: ${reason}`);
    if (request.wronglyHeld) this.wronglyHeld += 1;
    if (request.admittedTrue === null) return;
    const waitedMs = request.admittedTrue - request.submittedTrue;
    if (waitedMs > 0) this.everHeld += 1;
    this.waitsMs.push(waitedMs);
  }

  /** Once a minute. */
  look(): void {
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
    for (const instance of this.#world.store.instances.values()) {
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
    for (const { id, reason, submittedTrue } of this.#world.store.requests.values()) {
      const hours = Math.round((this.#world.agenda.now - submittedTrue) / (60 * MINUTE));
      this.#violate(`request ${id} has not ended after ${hours} h: ${reason}`);
    }
  }

  #violate(what: string): void {
    this.violations.push(`minute ${Math.round(this.#world.agenda.now / MINUTE)}: ${what}`);
  }
}
