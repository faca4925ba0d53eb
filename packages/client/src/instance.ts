import type { Connection } from './connection.ts';
import { instanceDeleting, instanceUnknown } from './errors.ts';
import type { HeldLease } from './held-lease.ts';
import { defaultOwner } from './options.ts';

/** An instance of a batch: its directory, and its lease if it has one. */
export class Instance {
  readonly id: string;
  /** Its directory, on the host that serves the pool. */
  readonly path: string;
  readonly #connection: Connection;
  readonly #lease: HeldLease | null;
  readonly #never = new AbortController().signal;

  /** @internal */
  constructor(
    connection: Connection,
    { id, path }: { readonly id: string; readonly path: string },
    lease: HeldLease | null,
  ) {
    this.id = id;
    this.path = path;
    this.#connection = connection;
    this.#lease = lease;
  }

  /** Aborted, with a LeaseLostError as its reason, once its lease is lost; never where it has none. */
  get signal(): AbortSignal {
    return this.#lease?.signal ?? this.#never;
  }

  /** When its lease ends if it is not renewed any more; null where it has none. */
  get expiresAt(): Date | null {
    return this.#lease && new Date(this.#lease.expiresAt);
  }

  /** Says how good it is; null takes that back. With `keep_best` the best of an experiment stay. Throws InstanceGoneError. */
  async score(value: number | null): Promise<void> {
    await mark(this.#connection, this.id, { score: value });
  }

  /** Keeps it until it is unpinned, whatever retention says. Throws InstanceGoneError. */
  async pin(why: string): Promise<void> {
    await mark(this.#connection, this.id, { pin: { by: defaultOwner(), why, at: Date.now() } });
  }

  /**
   * Ends its lease: retention may delete it from now on, before others. With `discard: false` it is kept for as long as
   * `retention.keep_after_lease` says.
   */
  async release({ discard = true }: { readonly discard?: boolean } = {}): Promise<void> {
    await this.#lease?.release({ discard });
  }
}

/**
 * Throws InstanceGoneError.
 *
 * @internal
 */
export async function mark(
  { catalog, pool }: Connection,
  id: string,
  what: Parameters<Connection['catalog']['mark']>[1],
): Promise<void> {
  const outcome = await catalog.mark(id, what);
  if (outcome === 'absent') throw instanceUnknown(id, pool);
  if (outcome === 'deleting') throw instanceDeleting(id);
}
