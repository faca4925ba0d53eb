import { hashLeaseToken } from '@spica/catalog';
import type { Lease, Pin } from '@spica/core';
import { IDS, LIVES, type Life, type Operation } from './operation.ts';

interface Known {
  /** Of one in flight. */
  request: string | null;
  lease: Lease | null;
  lastLeasedAt: number | null;
  pin: Pin | null;
  /** Owner of the mark for deletion. */
  mark: string | null;
}

/** What can be seen of a catalog. */
export interface Seen {
  readonly ids: readonly string[];
  readonly instances: readonly (Omit<Known, 'mark'> & { readonly id: string; readonly state: string })[];
  readonly inFlight: Readonly<Record<string, string>>;
  readonly cancelled: readonly boolean[];
  readonly changes: number;
}

type Of<Name> = Extract<Operation, { do: Name }>;

/** A catalog in plain words, of one process: answers as the real one must. */
export class CatalogModel {
  now = 1_700_000_000_000;
  changes = 0;
  readonly #cancelled = new Set<string>();
  readonly #completed = new Set<string>();
  readonly #known = new Map<string, Known>();

  /** What the catalog must answer; undefined where it is not asked. */
  apply(operation: Operation): unknown {
    switch (operation.do) {
      case 'commit':
        return this.#commit(operation);
      case 'complete':
        return this.#complete(operation);
      case 'cancel':
        if (this.#completed.has(name(operation.of))) return 'completed';
        this.#cancelled.add(name(operation.of));
        return 'cancelled';
      case 'adopt':
        return this.#add(operation.id, null);
      case 'beginDelete':
        return this.#beginDelete(operation);
      case 'endDelete':
        return this.#endDelete(operation);
      case 'lease':
        return this.#lease(operation);
      case 'release':
        return this.#release(operation);
      case 'pin':
        return this.#pin(operation);
      case 'pass':
        this.now += operation.ms;
        return undefined;
    }
  }

  seen(): Seen {
    const known = IDS.flatMap((id) => {
      const each = this.#known.get(id);
      return each ? [{ id, ...each }] : [];
    });
    return {
      ids: known.map(({ id }) => id),
      instances: known.map(({ mark, ...each }) => ({
        ...each,
        state: mark !== null ? 'deleting' : each.request !== null ? 'in-flight' : 'ready',
      })),
      inFlight: Object.fromEntries(
        known.flatMap(({ id, request }) => (request === null ? [] : [[id, request]])),
      ),
      cancelled: LIVES.map((of) => this.#cancelled.has(name(of))),
      changes: this.changes,
    };
  }

  #add(id: string, request: string | null): boolean {
    if (this.#known.has(id)) return false;
    this.#known.set(id, { request, lease: null, lastLeasedAt: null, pin: null, mark: null });
    return true;
  }

  #commit({ of, id }: Of<'commit'>) {
    if (this.#known.has(id)) return 'already';
    if (this.#cancelled.has(name(of))) return 'cancelled';
    this.#add(id, of.request);
    return 'committed';
  }

  #complete({ of, ids }: Of<'complete'>) {
    if (this.#cancelled.has(name(of))) return 'cancelled';
    for (const id of ids) {
      const known = this.#known.get(id);
      if (known?.request === of.request) known.request = null;
    }
    this.#completed.add(name(of));
    return 'completed';
  }

  #beginDelete({ id, owner, request, ahead }: Of<'beginDelete'>) {
    const known = this.#known.get(id);
    if (!known) return { outcome: 'absent' };
    if (known.mark !== null && known.mark !== owner) return { outcome: 'deleting' };
    if (known.request !== null && known.request !== request) {
      return { outcome: 'in-flight', request: known.request };
    }
    if (known.request === null) {
      if (ahead > 0) return { outcome: 'rolled-back' };
      if (known.pin) return { outcome: 'pinned', pin: known.pin };
      const lease = this.#inForce(known);
      if (lease) return { outcome: 'leased', owner: lease.owner, expiresAt: lease.expiresAt };
    }
    known.mark = owner;
    return { outcome: 'begun' };
  }

  #endDelete({ id, outcome, owner }: Of<'endDelete'>) {
    const known = this.#known.get(id);
    if (owner !== null && known?.mark !== owner) return false;
    if (outcome === 'gone') this.#known.delete(id);
    else if (known) known.mark = null;
    return true;
  }

  #lease({ id, token, ms, force }: Of<'lease'>) {
    const known = this.#known.get(id);
    if (!known) return { outcome: 'absent' };
    if (known.mark !== null) return { outcome: 'deleting' };
    const lease = this.#inForce(known);
    const renewed = lease?.tokenHash === hashLeaseToken(token) ? lease : null;
    if (lease && !renewed && !force) return taken(lease);
    const since = renewed ? renewed.since : this.now;
    known.lease = { owner: token, tokenHash: hashLeaseToken(token), expiresAt: this.now + ms, since };
    known.lastLeasedAt = this.now;
    this.changes += 1;
    return { outcome: renewed ? 'renewed' : 'granted' };
  }

  #release({ id, token, force }: Of<'release'>) {
    const known = this.#known.get(id);
    if (!known) return { outcome: 'absent' };
    const lease = this.#inForce(known);
    if (!lease) return { outcome: 'none' };
    const isMine = token !== null && lease.tokenHash === hashLeaseToken(token);
    if (!isMine && !force) return taken(lease);
    known.lease = null;
    this.changes += 1;
    return { outcome: 'released' };
  }

  #pin({ id, by }: Of<'pin'>) {
    const known = this.#known.get(id);
    if (!known) return 'absent';
    if (known.mark !== null) return 'deleting';
    known.pin = by === null ? null : { by, why: 'paper', at: this.now };
    this.changes += 1;
    return 'marked';
  }

  #inForce({ lease }: Known): Lease | null {
    return lease && lease.expiresAt > this.now ? lease : null;
  }
}

function taken({ owner, expiresAt }: Lease) {
  return { outcome: 'leased', owner, expiresAt };
}

function name({ request, life }: Life): string {
  return `${request} in its life ${life}`;
}
