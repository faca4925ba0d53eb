import type { HeldLease, LeaseHolder } from './held-lease.ts';
import type { Transport } from './transport.ts';
import type { OversizeView } from './view.ts';

/** What a client tells of the leases that it holds. */
export interface LeaseListener extends Pick<LeaseHolder, 'onLost'> {
  onOversize(instance: OversizeView): void;
  /** It is not known any more which instances are. */
  onFailed(error: unknown): void;
}

/**
 * The leases that a client holds. Once it was told to, it follows which instances are at their cap, or too large, and tells
 * of each that is leased here: when it becomes so, and anew when it was not for a while.
 */
export class HeldLeases implements LeaseHolder {
  readonly #transport: Pick<Transport, 'oversizeFollow'>;
  readonly #listener: LeaseListener;
  readonly #over = new AbortController();
  readonly #held = new Set<HeldLease>();
  #following: Promise<void> | null = null;
  #oversize: ReadonlyMap<string, OversizeView> = new Map();
  /** Ids of those that were told of, and still are oversize. */
  #told = new Set<string>();

  constructor(transport: Pick<Transport, 'oversizeFollow'>, listener: LeaseListener) {
    this.#transport = transport;
    this.#listener = listener;
  }

  onHeld(lease: HeldLease): void {
    this.#held.add(lease);
    this.#tell(lease);
  }

  onEnd(lease: HeldLease): void {
    this.#held.delete(lease);
  }

  onLost: LeaseHolder['onLost'] = (error) => this.#listener.onLost(error);

  follow(): void {
    this.#following ??= this.#follow().catch((error: unknown) => {
      if (!this.#over.signal.aborted) this.#listener.onFailed(error);
    });
  }

  async close(): Promise<void> {
    this.#over.abort(new Error('the client was closed'));
    await this.#following;
  }

  async #follow(): Promise<void> {
    for await (const { instances } of this.#transport.oversizeFollow({ signal: this.#over.signal })) {
      this.#oversize = new Map(instances.map((each) => [each.id, each]));
      this.#told = new Set([...this.#told].filter((id) => this.#oversize.has(id)));
      for (const lease of this.#held) this.#tell(lease);
    }
  }

  #tell({ instance }: HeldLease): void {
    const oversize = this.#oversize.get(instance);
    if (!oversize || this.#told.has(instance)) return;
    this.#told.add(instance);
    this.#listener.onOversize(oversize);
  }
}
