import { type Distrust, distrustClock, type Size, type Space } from '@spica/core';
import { Agenda } from './agenda.ts';
import type { Random } from './random.ts';
import { type Burst, DAY, drawSnatch, HOST, MINUTE, type Troubles } from './scenario.ts';
import type { Instance, Store, Writing } from './store.ts';

/** 2026-01-01T00:00:00Z, where the host's clock begins. */
const EPOCH = 1_767_225_600_000;

/** Thrown between two steps of the worker: it is dead. */
class Killed extends Error {}

/** The pretended host: its disk, its clock, and everything that the parts of the simulation share. */
export class World {
  readonly agenda = new Agenda();
  /** One for each pool on the disk. */
  readonly stores: Store[] = [];
  readonly bursts: Burst[] = [];
  /** How far the host's clock was set away from true time, and how far of it somebody has confirmed. */
  clockOffsetMs = 0;
  confirmedOffsetMs = 0;
  /** The worker's life: what an earlier one had planned dies with it. Null while there is none. */
  worker: number | null = 1;
  #lives = 1;
  crashes = 0;
  /** Called when a new worker takes over, and when one was killed. */
  onStart: () => void = () => undefined;
  onKilled: () => void = () => undefined;
  hostIsBroken = false;
  hostWasBroken = false;
  /** Virtual time of the last change of the host's clock. */
  clockChangedTrue = Number.NEGATIVE_INFINITY;
  readonly random: Random;
  readonly troubles: Troubles;
  readonly #killRate: number;
  readonly #totalInodes: number;

  constructor(random: Random, troubles: Troubles, totalInodes: number) {
    this.#totalInodes = totalInodes;
    this.random = random;
    this.troubles = troubles;
    this.#killRate = troubles.crashes ? 1 / 400 : 0;
  }

  /** The host's clock. */
  get now(): number {
    return EPOCH + this.agenda.now + this.clockOffsetMs;
  }

  /** The time by which leases and growth are judged: a clock that was set far forward must not end them. */
  get guardedNow(): number {
    return this.now - Math.max(0, this.#distrust()?.aheadMs ?? 0);
  }

  get ageRulesSuspended(): string | null {
    return this.#distrust()?.reason ?? null;
  }

  #distrust(): Distrust | null {
    if (this.clockOffsetMs === this.confirmedOffsetMs) return null;
    const wall = this.now;
    const expectedWall = EPOCH + this.agenda.now + this.confirmedOffsetMs;
    return distrustClock({ wall, redis: wall, acceptedOffsetMs: 0, expectedWall });
  }

  /** Stands between any two steps of the worker. Throws Killed at random. */
  between(): void {
    if (this.random.chance(this.#killRate)) throw new Killed();
  }

  /** Has the worker do something, if there is one. It may be killed in the middle of it; another comes after a while. */
  work(task: () => void): void {
    if (this.worker === null) return;
    try {
      task();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.worker = null;
      this.crashes += 1;
      this.#cutOffWritings();
      this.onKilled();
      this.agenda.after(this.random.between(10_000, 5 * MINUTE), () => {
        this.#lives += 1;
        this.worker = this.#lives;
        this.work(() => this.onStart());
      });
    }
  }

  /** The same, later: what a worker had planned dies with it. */
  workAfter(ms: number, task: () => void): void {
    const planned = this.worker;
    this.agenda.after(ms, () => {
      if (this.worker === planned) this.work(task);
    });
  }

  /** What a killed worker was writing stays as it is until the next one removes it. */
  #cutOffWritings(): void {
    for (const { writings } of this.stores) {
      for (const writing of writings.values()) writing.cutOffTrue ??= this.agenda.now;
    }
  }

  othersBytes(at = this.agenda.now): number {
    let bytes: number = HOST.othersBytes;
    for (const burst of this.bursts) {
      if (at < burst.startsAt || at >= burst.endsAt) continue;
      bytes += burst.bytes * Math.min(1, (at - burst.startsAt) / burst.rampMs);
    }
    return bytes;
  }

  /** What an instance takes now, or at another virtual time, in truth. */
  sizeOf(instance: Instance, at = this.agenda.now): Size {
    const { request, final, bornTrue, growMs, curve, stopsTrue } = instance;
    const { clone } = request.template;
    const grownMs = Math.min(at, stopsTrue) - bornTrue;
    const share = Math.min(1, Math.max(0, grownMs / growMs)) ** curve;
    return {
      bytes: Math.round(clone.bytes + (final.bytes - clone.bytes) * share),
      inodes: Math.round(clone.inodes + (final.inodes - clone.inodes) * share),
    };
  }

  /** What of a clone or snapshot is written. */
  sizeOfWriting({ size, begunTrue, takesMs, cutOffTrue }: Writing, at = this.agenda.now): Size {
    const share = Math.min(1, Math.max(0, Math.min(at, cutOffTrue ?? at) - begunTrue) / takesMs);
    return { bytes: Math.round(size.bytes * share), inodes: Math.round(size.inodes * share) };
  }

  *instances(): Iterable<Instance> {
    for (const { instances } of this.stores) yield* instances.values();
  }

  /** What the disk says now; or would have said at another virtual time, had all been there that is there now. */
  space(at = this.agenda.now): Space {
    let bytes = this.othersBytes(at);
    let inodes = 0;
    const add = (size: Size) => {
      bytes += size.bytes;
      inodes += size.inodes;
    };
    for (const { instances, writings, snapshots } of this.stores) {
      for (const instance of instances.values()) add(this.sizeOf(instance, at));
      for (const writing of writings.values()) add(this.sizeOfWriting(writing, at));
      for (const { size } of snapshots.values()) add(size);
    }
    return {
      availableBytes: Math.max(0, Math.floor(HOST.totalBytes - bytes)),
      totalBytes: HOST.totalBytes,
      freeInodes: Math.max(0, this.#totalInodes - inodes),
      totalInodes: this.#totalInodes,
    };
  }

  /** A request was admitted: now and then others take its room at once. */
  snatchAtTimes(): void {
    const { random, agenda, bursts, troubles } = this;
    if (!random.chance(troubles.snatched)) return;
    bursts.push(drawSnatch(random, agenda.now, this.space().availableBytes));
  }

  /** Bursts that are long over. */
  forgetBursts(): void {
    const old = this.bursts.findIndex(({ endsAt }) => endsAt > this.agenda.now - DAY);
    if (old > 0) this.bursts.splice(0, old);
  }
}
