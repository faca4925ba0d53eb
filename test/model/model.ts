import { DAY, HOUR } from './operation.ts';
import type { SteppedBack } from './rollback.ts';
import type { Time } from './time.ts';

/** The limits that the model's pool has, as `spica.yaml` has them. */
export const SETTINGS = {
  'pools.main.retention.max_instances': 3,
  'pools.main.retention.max_age_days': 2,
  'pools.main.retention.keep_best': 1,
  'pools.main.retention.keep_after_lease': '1h',
  'pools.main.retention.trash_ttl': '1h',
  'pools.main.retention.protect_live_processes': false,
};
const MAX_INSTANCES = 3;
const MAX_AGE_MS = 2 * DAY;
const KEEP_AFTER_LEASE_MS = HOUR;
const TRASH_TTL_MS = HOUR;

export interface Instance {
  readonly id: string;
  readonly request: string;
  readonly spawnedAt: number;
  /** Where it is: seen by users, put away, or deleted for good. */
  readonly place: 'pool' | 'trash' | 'gone';
  /** The catalog knows it. */
  readonly listed: boolean;
  readonly inFlight: boolean;
  readonly lease: { readonly owner: string; readonly expiresAt: number } | null;
  readonly lastLeasedAt: number | null;
  readonly releasedAt: number | null;
  readonly pinned: boolean;
  readonly score: number | null;
  /** Until when its lock file protects it. */
  readonly usedUntil: number;
  readonly trashedAt: number;
  /** Its deletion has begun: it cannot be restored. */
  readonly deletionBegun: boolean;
}

/** A dry run's plan: what of each instance must not have changed when it is carried out. */
export interface Sealed {
  readonly digest: string;
  readonly at: number;
  readonly items: readonly (Pick<Instance, 'id' | 'lastLeasedAt' | 'score'> & { readonly byAge: boolean })[];
}

/** When its last lease ended, or ends. */
function endOfLease({ lease, releasedAt }: Instance): number {
  return lease?.expiresAt ?? releasedAt ?? Number.NEGATIVE_INFINITY;
}

/** What a pool holds, and the rules of retention in their plainest form. */
export class Model {
  readonly time: Time;
  instances: ReadonlyMap<string, Instance> = new Map();
  /** Requests that have not ended: how many instances each asked for, and for how long it leases them. */
  readonly requests = new Map<string, { readonly ids: readonly string[]; readonly leaseMs: number | null }>();
  /** Redis was emptied, and the disk not reconciled with it since. */
  lost = false;
  graceUntil = 0;
  /** Slots reserved for requests and not used yet. */
  reservedSlots = 0;
  sealed: Sealed | null = null;
  steppedBack: SteppedBack | null = null;

  constructor(time: Time) {
    this.time = time;
  }

  at(place: Instance['place']): Instance[] {
    return [...this.instances.values()].filter((instance) => instance.place === place);
  }

  get listed(): Instance[] {
    return this.at('pool').filter(({ listed }) => listed);
  }

  set(id: string, change: Partial<Instance>): void {
    const instance = this.instances.get(id);
    if (instance) this.instances = new Map(this.instances).set(id, { ...instance, ...change });
  }

  isLeased({ lease }: Instance): boolean {
    return lease !== null && lease.expiresAt > this.time.judge;
  }

  /** Whether it must stay, whoever asks. */
  isProtected(instance: Instance): boolean {
    const { inFlight, pinned, usedUntil } = instance;
    const isKept = endOfLease(instance) + KEEP_AFTER_LEASE_MS > this.time.judge;
    return inFlight || pinned || this.isLeased(instance) || isKept || usedUntil > this.time.judge;
  }

  /** Whether nothing at all may be deleted, but what a request undoes of its own. */
  get inGrace(): boolean {
    return this.lost || this.graceUntil > this.time.judge;
  }

  isDue(instance: Instance): boolean {
    const since = Math.max(instance.spawnedAt, endOfLease(instance));
    return !this.time.suspended && this.time.wall - since > MAX_AGE_MS;
  }

  /** The best by score: it stays. */
  get best(): string | null {
    const scored = this.listed.filter(({ score }) => score !== null);
    const [best] = scored.sort(
      (a, b) => (b.score ?? 0) - (a.score ?? 0) || b.spawnedAt - a.spawnedAt || (a.id < b.id ? -1 : 1),
    );
    return best?.id ?? null;
  }

  /** What a prune chooses: all that are too old, then the oldest that are too many. */
  plan(): { readonly id: string; readonly byAge: boolean }[] {
    const { best } = this;
    const free = this.listed
      .filter((instance) => instance.id !== best && !this.isProtected(instance))
      .sort((a, b) => a.spawnedAt - b.spawnedAt || (a.id < b.id ? -1 : 1));
    const due = free.filter((instance) => this.isDue(instance));
    const excess = this.listed.length + this.reservedSlots - due.length - MAX_INSTANCES;
    const tooMany = free.filter((instance) => !due.includes(instance)).slice(0, Math.max(0, excess));
    return [
      ...due.map(({ id }) => ({ id, byAge: true })),
      ...tooMany.map(({ id }) => ({ id, byAge: false })),
    ];
  }

  /** What of a sealed plan may still be carried out. */
  stillStanding({ items }: Sealed): string[] {
    return items.flatMap(({ id, lastLeasedAt, score, byAge }) => {
      const now = this.instances.get(id);
      if (now?.place !== 'pool' || !now.listed || id === this.best || this.isProtected(now)) return [];
      if (now.lastLeasedAt !== lastLeasedAt || now.score !== score) return [];
      return byAge && !this.isDue(now) ? [] : [id];
    });
  }

  /** Puts instances into the trash, and empties it of what has been there for long enough. */
  prune(ids: readonly string[]): void {
    const trashedAt = this.time.judge;
    if (!this.inGrace) for (const id of ids) this.set(id, { place: 'trash', listed: false, trashedAt });
    this.sweep();
  }

  sweep(): void {
    for (const { id, trashedAt } of this.at('trash')) {
      if (trashedAt <= this.time.judge - TRASH_TTL_MS) this.set(id, { place: 'gone' });
    }
  }

  /** The catalog takes in what is on disk, but what is still coming up. When deletions may begin is read from it. */
  reconcile(): void {
    for (const { id, request } of this.at('pool')) {
      if (!this.requests.has(request)) this.set(id, { listed: true });
    }
    this.lost = false;
  }

  /** Redis loses everything. */
  flush(): void {
    this.lost = true;
    this.reservedSlots = 0;
    this.sealed = null;
    this.time.flush();
    this.requests.clear();
    for (const { id } of this.instances.values()) this.set(id, { listed: false, inFlight: false });
  }
}
