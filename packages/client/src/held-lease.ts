import { CheckError, isoTime } from '@spica/core';
import { InstanceGoneError, LeaseLostError, leaseLost } from './errors.ts';
import type { Transport } from './transport.ts';

/** A lease as it was granted. Times are epoch milliseconds. */
export interface GrantedLease {
  readonly instance: string;
  readonly owner: string;
  /** Whoever has it may renew and release the lease. Never log it. */
  readonly token: string;
  /** How long each renewal makes it last, milliseconds. */
  readonly ms: number;
  /** 0 where it has ended already, nobody knows when. */
  readonly expiresAt: number;
}

/** Whoever took a lease for its user: it hears what becomes of it. */
export interface LeaseHolder {
  onHeld(lease: HeldLease): void;
  onLost(error: LeaseLostError): void;
  /** It was released, or is lost. */
  onEnd(lease: HeldLease): void;
}

/** How often it is seen whether it is time to renew: by the wall clock, since a timer stands still while a machine sleeps. */
const TICK_MS = 1_000;
/** Renewed when a third of its time has passed, a tenth of that sooner or later: a batch's leases do not come at once. */
const RENEW_AFTER = 1 / 3;
const JITTER = 0.1;

/**
 * Keeps a lease in force until it is released: renews it in time, goes on trying while whatever grants it is out of reach,
 * and says at once when it is lost. It does not keep the process alive.
 */
export class HeldLease {
  readonly #transport: Pick<Transport, 'lease' | 'releaseLease'>;
  readonly #granted: GrantedLease;
  readonly #controller = new AbortController();
  readonly #holder: LeaseHolder;
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
    transport: Pick<Transport, 'lease' | 'releaseLease'>,
    granted: GrantedLease,
    holder: LeaseHolder,
  ) {
    this.#transport = transport;
    this.#granted = granted;
    this.#holder = holder;
    this.#expiresAt = granted.expiresAt;
    this.#renewAt = this.#nextRenewal(granted.expiresAt - granted.ms);
    this.#timer = setInterval(() => this.#tick(), Math.min(TICK_MS, granted.ms / 10)).unref();
    holder.onHeld(this);
  }

  /** Id of the instance. */
  get instance(): string {
    return this.#granted.instance;
  }

  get token(): string {
    return this.#granted.token;
  }

  /** When it ends if it is not renewed any more. */
  get expiresAt(): Date {
    return new Date(this.#expiresAt);
  }

  /** Aborted, with a LeaseLostError as its reason, once the lease is lost. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Ends the lease. One that is lost already is left alone. Throws UnreachableError: the lease then ends by itself, unless
   * it is released once more.
   *
   * @param discard Nobody needs the instance any more: `retention.keep_after_lease` does not keep it, and it goes first.
   */
  async release({ discard = false }: { readonly discard?: boolean } = {}): Promise<void> {
    if (this.#released || this.signal.aborted) return;
    this.#isDone = true;
    clearInterval(this.#timer);
    this.#holder.onEnd(this);
    await this.#renewing; // which would bring it back
    const { instance, owner, token } = this.#granted;
    try {
      await this.#transport.releaseLease(instance, { token, discard, by: owner });
    } catch (error) {
      if (!isOver(error)) throw error;
    }
    this.#released = true;
  }

  #tick(): void {
    const now = Date.now();
    if (now >= this.#expiresAt) {
      const ended = this.#expiresAt === 0 ? 'before it was held' : `at ${isoTime(this.#expiresAt)}`;
      this.#lose('LEASE_EXPIRED', `it ended ${ended}, and was not renewed in time`);
    } else if (now >= this.#renewAt) {
      this.#renewing ??= this.#renew(now).finally(() => {
        this.#renewing = null;
      });
    }
  }

  async #renew(now: number): Promise<void> {
    const { instance, owner, token, ms } = this.#granted;
    try {
      await this.#transport.lease(instance, { owner, token, ms });
    } catch (error) {
      if (this.#isDone) return;
      if (isOver(error)) return this.#lose(...whyOver(error));
      this.#failure = error; // out of reach: the next tick tries again, until the lease has ended
      return;
    }
    this.#failure = undefined;
    if (this.signal.aborted) return this.#giveBack();
    // By the clock of here, and from before it was asked for: it ends no earlier than that.
    this.#expiresAt = now + ms;
    this.#renewAt = this.#nextRenewal(now);
  }

  /** A renewal that came through when the lease was lost already: nobody holds it. What fails here ends by itself. */
  async #giveBack(): Promise<void> {
    const { instance, owner, token } = this.#granted;
    await this.#transport.releaseLease(instance, { token, discard: false, by: owner }).catch(() => undefined);
  }

  #nextRenewal(from: number): number {
    return from + this.#granted.ms * RENEW_AFTER * (1 - JITTER + 2 * JITTER * Math.random());
  }

  #lose(code: string, message: string): void {
    if (this.#isDone || this.signal.aborted) return;
    clearInterval(this.#timer);
    const error = leaseLost(code, this.#granted.instance, message, this.#failure);
    this.#controller.abort(error);
    this.#holder.onEnd(this);
    this.#holder.onLost(error);
  }
}

/** Whether an answer says that the lease is not its holder's any more. */
function isOver(error: unknown): error is CheckError {
  return (
    error instanceof InstanceGoneError ||
    error instanceof LeaseLostError ||
    (error instanceof CheckError && error.code === 'INSTANCE_LEASED')
  );
}

function whyOver(error: CheckError): [code: string, message: string] {
  if (error instanceof InstanceGoneError) return ['INSTANCE_GONE', `its instance is gone: ${error.message}`];
  if (error instanceof LeaseLostError) {
    return ['LEASE_REFUSED', 'it is not renewed, since the instance is larger than max_instance_gb'];
  }
  return ['LEASE_TAKEN', `${error.details['owner']} has taken it`];
}
