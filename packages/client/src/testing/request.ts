import { formatDuration, isoTime, type SpicaError, TimedOutError } from '@spica/core';
import { eventName } from '../event-name.ts';
import type { RequestEnd } from '../transport.ts';
import type { RequestEvent, RequestedSpawn, RequestView, SpawnedInstance } from '../view.ts';

/** A request of a pool in memory: where it stands, and who waits for what becomes of it. */
export class MemoryRequest {
  readonly id: string;
  readonly asked: RequestedSpawn;
  /** SHA-256 of the token of its instances' leases. */
  readonly tokenHash: string | null;
  readonly submittedAt: number;
  heldAt: number | null = null;
  isCancelled = false;
  timer: NodeJS.Timeout | undefined;
  readonly #end = Promise.withResolvers<RequestEnd>();
  #event: RequestEvent | null = null;
  #changed = Promise.withResolvers<void>();
  #endedAt: number | null = null;
  #instances: readonly SpawnedInstance[] = [];
  #failure: SpicaError | null = null;

  constructor(id: string, asked: RequestedSpawn, tokenHash: string | null) {
    this.id = id;
    this.asked = asked;
    this.tokenHash = tokenHash;
    this.submittedAt = Date.now();
    this.#end.promise.catch(() => undefined); // nobody has to wait for it
  }

  get hasEnded(): boolean {
    return this.#endedAt !== null;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** Why it stands where it does. */
  get reason(): string {
    return this.#event?.reason ?? '';
  }

  tell(event: RequestEvent): void {
    if (JSON.stringify(event) === JSON.stringify(this.#event)) return;
    this.#event = event;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  complete(instances: readonly SpawnedInstance[]): void {
    this.#instances = instances;
    this.#endedAt = Date.now();
    clearTimeout(this.timer);
    this.#end.resolve({ instances });
    this.tell({ phase: 'ready', reason: `${instances.length} spawned`, oversize: [] });
  }

  fail(error: SpicaError): void {
    this.#failure = error;
    this.#endedAt = Date.now();
    clearTimeout(this.timer);
    this.#end.reject(error);
    const phase = error.kind === 'refused' ? 'rejected' : 'failed';
    this.tell({ phase, reason: error.message, code: error.code });
  }

  async wait({
    timeoutMs,
    signal,
  }: {
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }): Promise<RequestEnd> {
    signal.throwIfAborted();
    const over = Promise.withResolvers<never>();
    const aborted = () => over.reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    const why = `request ${this.id} has not ended after ${formatDuration(timeoutMs)}; it goes on`;
    const timer = setTimeout(() => over.reject(new TimedOutError('WAIT_TIMED_OUT', why)), timeoutMs);
    try {
      return await Promise.race([this.#end.promise, over.promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
    }
  }

  async *events(
    after: string | null,
    signal: AbortSignal,
  ): AsyncGenerator<{ id: string; event: RequestEvent }, void> {
    const over = Promise.withResolvers<never>();
    const aborted = () => over.reject(signal.reason);
    signal.addEventListener('abort', aborted, { once: true });
    over.promise.catch(() => undefined); // thrown where it is raced
    try {
      for (let last = after; ; ) {
        signal.throwIfAborted();
        const [event, changed] = [this.#event, this.#changed.promise];
        const id = event && eventName(event);
        if (event && id !== null && id !== last) yield { id, event };
        last = id ?? last;
        if (this.hasEnded && event === this.#event) return;
        if (event === this.#event) await Promise.race([changed, over.promise]);
      }
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  view(): RequestView {
    const failure = this.#failure && { code: this.#failure.code, message: this.#failure.message };
    return {
      id: this.id,
      pool: this.asked.pool,
      life: '00000000',
      state: failure ? 'failed' : this.hasEnded ? 'completed' : this.heldAt === null ? 'active' : 'delayed',
      progress: progressOf(this.#event),
      request: this.asked,
      submittedAt: isoTime(this.submittedAt),
      endedAt: this.#endedAt === null ? null : isoTime(this.#endedAt),
      instances: this.#instances,
      failure,
      children: [],
      position: this.#event?.phase === 'held' ? this.#event.position : null,
      whatWouldHelp: null, // there is always enough disk, and what else is short the reason says
      spawned: this.#event?.phase === 'spawning' ? this.#event.spawned : this.#instances.length,
      of: this.asked.count,
    };
  }
}

function progressOf(event: RequestEvent | null): RequestView['progress'] {
  if (event === null) return null;
  if (event.phase === 'ready') return { phase: 'done', reason: event.reason };
  if (event.phase === 'spawning') return { phase: 'spawning', reason: event.reason };
  if (event.phase !== 'held') return event;
  const { position: _, ...held } = event;
  return held;
}
