import type { Catalog } from '@spica/catalog';
import { type LeaseLostError, leaseLost } from './errors.ts';

/** A lease as it was granted. Times are epoch milliseconds. */
export interface GrantedLease {
  readonly instance: string;
  readonly owner: string;
  /** Whoever has it may renew and release the lease. Never log it. */
  readonly token: string;
  /** How long each renewal makes it last, milliseconds. */
  readonly ms: number;
  readonly expiresAt: number;
}

/** How often it is seen whether it is time to renew: by the wall clock, since a timer stands still while a machine sleeps. */
const TICK_MS = 1_000;
/** Renewed when a third of its time has passed, a tenth of that sooner or later: a batch's leases do not come at once. */
const RENEW_AFTER = 1 / 3;
const JITTER = 0.1;

/**
 * Keeps a lease in force until it is released: renews it in time, goes on trying while Redis is away, and says at once when
 * it is lost. It does not keep the process alive.
 */
export class HeldLease {
  readonly #catalog: Pick<Catalog, 'lease' | 'releaseLease'>;
  readonly #granted: GrantedLease;
  readonly #controller = new AbortController();
  readonly #onLost: (error: LeaseLostError) => void;
  readonly #timer: NodeJS.Timeout;
  #expiresAt: number;
  #renewAt: number;
  #renewing: Promise<void> | null = null;
  /** Its holder is done with it: it is not renewed any more. */
  #isDone = false;
  #released = false;
  /** Why the last renewal did not come through. */
  #failure: unknown;

  /** @internal */
  constructor(
    catalog: Pick<Catalog, 'lease' | 'releaseLease'>,
    granted: GrantedLease,
    onLost: (error: LeaseLostError) => void,
  ) {
    this.#catalog = catalog;
    this.#granted = granted;
    this.#onLost = onLost;
    this.#expiresAt = granted.expiresAt;
    this.#renewAt = this.#nextRenewal(granted.expiresAt - granted.ms);
    this.#timer = setInterval(() => this.#tick(), Math.min(TICK_MS, granted.ms / 10)).unref();
  }

  get token(): string {
    return this.#granted.token;
  }

  /** When it ends if it is not renewed any more, epoch milliseconds. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  /** Aborted, with a LeaseLostError as its reason, once the lease is lost. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Ends the lease. One that is lost already is left alone. Throws what Redis answers: the lease then ends by
   * itself, unless it is released once more.
   *
   * @param discard Nobody needs the instance any more: `retention.keep_after_lease` does not keep it, and it goes first.
   */
  async release({ discard = false }: { readonly discard?: boolean } = {}): Promise<void> {
    if (this.#released || this.signal.aborted) return;
    this.#isDone = true;
    clearInterval(this.#timer);
    await this.#renewing; // which would bring it back
    const by = { token: this.token, now: Date.now(), discard };
    await this.#catalog.releaseLease(this.#granted.instance, by);
    this.#released = true;
  }

  #tick(): void {
    const now = Date.now();
    if (now >= this.#expiresAt) {
      this.#lose(
        'LEASE_EXPIRED',
        `it ended at ${new Date(this.#expiresAt).toISOString()}, and was not renewed in time`,
      );
    } else if (now >= this.#renewAt) {
      this.#renewing ??= this.#renew(now).finally(() => {
        this.#renewing = null;
      });
    }
  }

  async #renew(now: number): Promise<void> {
    const { instance, owner, token, ms } = this.#granted;
    const expiresAt = now + ms;
    let answer: Awaited<ReturnType<Catalog['lease']>>;
    try {
      answer = await this.#catalog.lease(instance, { owner, token, expiresAt, now });
    } catch (error) {
      this.#failure = error; // out of reach: the next tick tries again, until the lease has ended
      return;
    }
    if (this.#isDone) return;
    switch (answer.outcome) {
      case 'granted':
      case 'renewed':
        this.#failure = undefined;
        this.#expiresAt = expiresAt;
        this.#renewAt = this.#nextRenewal(now);
        return;
      case 'leased':
        return this.#lose('LEASE_TAKEN', `${answer.owner} has taken it`);
      case 'oversize':
        return this.#lose(
          'LEASE_REFUSED',
          'it is not renewed, since the instance is larger than max_instance_gb',
        );
      case 'absent':
      case 'deleting':
        return this.#lose('INSTANCE_GONE', 'its instance is gone');
    }
  }

  #nextRenewal(from: number): number {
    return from + this.#granted.ms * RENEW_AFTER * (1 - JITTER + 2 * JITTER * Math.random());
  }

  #lose(code: string, message: string): void {
    if (this.#isDone || this.signal.aborted) return;
    clearInterval(this.#timer);
    const error = leaseLost(code, this.#granted.instance, message, this.#failure);
    this.#controller.abort(error);
    this.#onLost(error);
  }
}
