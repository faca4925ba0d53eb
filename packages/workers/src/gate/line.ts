import type { HeldRequest } from '@spica/catalog';
import { type Amount, compareHeld, type LineState } from '@spica/core';
import type { Job } from 'bullmq';

/** A request that is held, with what it was short of. */
export interface Waiting extends HeldRequest {
  /** What it needs in all; null where that is not known yet. */
  readonly need: Amount | null;
  readonly job: Pick<Job, 'promote'>;
}

/** A wake-up that comes within this time after one is joined with those that follow. */
const JOIN_MS = 100;
/** What BullMQ says of a job that is not delayed: it is on its way already, or gone. */
const NOT_DELAYED = -3;

export interface LineOptions {
  /** Whether a request's job has not ended and is still there: somebody may have removed it by hand. */
  readonly isOpen: (request: string) => Promise<boolean>;
  /** The lines of all pools on the filesystem, this one too: what one pool frees, a request of another may wait for. */
  readonly neighbours: ReadonlySet<Line>;
  /** Called with what Redis says when a request cannot be brought back: polling brings it back later. */
  readonly onError: (error: unknown) => void;
}

/**
 * The requests that the gate holds, in the process that serves the pool, in order of when they were first held. Whatever
 * frees space or slots wakes the head of the line; when that is served the next one is woken, and when it does not fit the
 * first one further down that does. So a change brings one job back to the gate, however many are held.
 */
export class Line {
  readonly #waiting = new Map<string, Waiting>();
  /** The same, longest held first. */
  readonly #order: Waiting[] = [];
  /** Who was woken last, and has not been decided since. */
  #woken: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #again = false;
  #wakes = 0;
  #changes = 0;
  readonly #options: LineOptions;

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Counts the wake-ups: a request whose facts were gathered before the count moved must be decided again. */
  get wakes(): number {
    return this.#wakes;
  }

  /** Counts what others may see of it: who is held, and why. */
  get changes(): number {
    return this.#changes;
  }

  /** Longest held first. */
  inOrder(): readonly Waiting[] {
    return this.#order;
  }

  /** What a decision needs to know of it. */
  state(): LineState {
    return { head: this.#order[0] ?? null, length: this.#order.length };
  }

  /** Whether nobody has been held for longer than this request, held or not. */
  isHead(request: string): boolean {
    return (this.#order[0]?.request ?? request) === request;
  }

  /**
   * A request is held, or held again. Where it is the head, or was woken, others further down may fit though it does not:
   * the first whose need is within `room` is woken (null: it waits for something other than room).
   */
  async hold(waiting: Waiting, room: Amount | null): Promise<void> {
    const passesOn = this.#woken === waiting.request || this.isHead(waiting.request);
    const before = this.#waiting.get(waiting.request);
    if (before?.reason !== waiting.reason) this.#changes += 1;
    if (before) this.#remove(before);
    this.#waiting.set(waiting.request, waiting);
    this.#order.splice(this.#placeOf(waiting), 0, waiting);
    if (!passesOn) return;
    this.#woken = null;
    if (room === null) return;
    const after = this.#placeOf(waiting) + 1;
    const next = this.#order.find(({ need }, place) => place >= after && (need === null || fits(need, room)));
    if (next) await this.#bringBack(next);
  }

  /** It is held no longer: admitted, or at its end. Whoever comes after it in the line may fit too. */
  async leave(request: string): Promise<void> {
    if (this.#woken === request) this.#woken = null;
    const waiting = this.#waiting.get(request);
    if (!waiting) return;
    this.#remove(waiting);
    this.#changes += 1;
    await this.#wakeHead();
  }

  #remove(waiting: Waiting): void {
    this.#waiting.delete(waiting.request);
    this.#order.splice(this.#placeOf(waiting), 1);
  }

  /** Where it stands in the order, or would: by bisection. */
  #placeOf(waiting: Waiting): number {
    let [from, to] = [0, this.#order.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (compareHeld(this.#order[middle] as Waiting, waiting) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /**
   * Something came free. Resolves when the head of the line is on its way back to the gate, and those of the pools that
   * share the filesystem.
   */
  async wake(): Promise<void> {
    const { neighbours, onError } = this.#options;
    const others = [...neighbours].filter((line) => line !== this);
    await Promise.all([this.#wakeOnce(), ...others.map((line) => line.#wakeOnce().catch(onError))]);
  }

  async #wakeOnce(): Promise<void> {
    this.#wakes += 1;
    if (this.#timer) {
      this.#again = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (!this.#again) return;
      this.#again = false;
      this.#wakeOnce().catch(this.#options.onError);
    }, JOIN_MS).unref();
    await this.#wakeHead();
  }

  /** Forgets a request whose job is gone, so that it stands in nobody's way. Resolves with whether it was. */
  async dropIfGone(request: string): Promise<boolean> {
    if (await this.#options.isOpen(request)) return false;
    await this.leave(request);
    return true;
  }

  /** Brings one request back to the gate at once, if it is held. */
  async bringBack(request: string): Promise<void> {
    const waiting = this.#waiting.get(request);
    if (waiting) await this.#bringBack(waiting);
  }

  async #wakeHead(): Promise<void> {
    const [head] = this.#order;
    if (head) await this.#bringBack(head);
  }

  async #bringBack({ request, job }: Waiting): Promise<void> {
    this.#woken = request;
    try {
      await job.promote();
    } catch (error) {
      if ((error as { code?: unknown }).code !== NOT_DELAYED) throw error;
      await this.dropIfGone(request);
    }
  }
}

function fits(need: Amount, room: Amount): boolean {
  return need.bytes <= room.bytes && need.inodes <= room.inodes && need.slots <= room.slots;
}
