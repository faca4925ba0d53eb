import type { BeginDelete, Catalog, CatalogInstance, GoneRecord } from '@spica/catalog';
import type { Candidate, Collected, Failure } from '@spica/core';
import type { PoolContext, ServedContext } from '../context.ts';
import { servedCandidates } from './candidates.ts';

/** The mark under which one run deletes. */
export interface Deletion {
  /** Nobody else may go on with it. */
  readonly owner: string;
  /** The request that failed, whose own instance it is; null for any other deletion. */
  readonly undoOf: string | null;
}

/**
 * Where a prune knows the pool's instances from, and where it marks those that go: the catalog, or where there is no Redis
 * the records on disk (offline/inventory.ts). The way of a prune is the same on both.
 */
export interface Inventory {
  /** Oldest first. */
  list(): AsyncIterable<CatalogInstance>;
  /** All of them as candidates, to be gone through once, where they are at hand without reading each; absent elsewhere. */
  candidates?(): Promise<IteratorObject<Candidate>>;
  /** Those of them that there are. */
  getMany(ids: readonly string[]): Promise<CatalogInstance[]>;
  totals(): Promise<{ readonly instances: number; readonly reservedSlots: number }>;
  /** Whether there is an instance that may go before its turn: with a life of its own, or discarded. */
  hasEarly(): Promise<boolean>;
  /** The part of their bytes that deletions are expected to bring back. */
  share(): Promise<number>;
  /** Marks an instance for deletion, unless something protects it by now. */
  begin(id: string, deletion: Deletion): Promise<BeginDelete>;
  /** Why it could not be deleted: plans leave it out for a while. Resolves with whether that is kept. */
  noteFailure(id: string, failure: Failure): Promise<boolean>;
  noteCollected(id: string, collected: Collected): Promise<void>;
  /** Why its results could not be collected, or that nothing is in the way any more. */
  noteCollectFailure(id: string, failure: Failure | null): Promise<void>;
  /** It is gone from sight, or it stays. */
  end(id: string, outcome: 'gone' | 'kept', owner: string): Promise<void>;
  /** Remembers why they went, for whoever asks for them. */
  remember(gone: readonly GoneRecord[]): Promise<void>;
}

/** What a plan needs of an inventory. */
export type PlanningInventory = Pick<
  Inventory,
  'list' | 'candidates' | 'getMany' | 'totals' | 'hasEarly' | 'share'
>;

/** Where it is kept how collections went. */
export type CollectNotes = Pick<Inventory, 'getMany' | 'noteCollected' | 'noteCollectFailure'>;

/** They are kept in the catalog. */
export function catalogNotes(catalog: Pick<Catalog, 'getMany' | 'mark'>): CollectNotes {
  return {
    getMany: (ids) => catalog.getMany(ids),
    async noteCollected(id, collected) {
      await catalog.mark(id, { collected });
      const [known] = await catalog.getMany([id]);
      if (known?.collectFailure) await catalog.mark(id, { collectFailure: null });
    },
    async noteCollectFailure(id, collectFailure) {
      await catalog.mark(id, { collectFailure });
    },
  };
}

/** The catalog, for planning only. */
export function planningInventory(ctx: PoolContext): PlanningInventory {
  const { catalog, clockGuard, gate, gateView } = ctx;
  return {
    list: () => catalog.list(),
    ...(gate && {
      candidates: () => servedCandidates({ catalog, clockGuard, gate }, { keepsUnsaved: false }),
    }),
    getMany: (ids) => catalog.getMany(ids),
    hasEarly: () => catalog.hasEarly(),
    share: async () => (await gateView.read())?.share ?? 1,
    async totals() {
      const sums = (await gateView.read())?.sums;
      if (sums) return { instances: sums.instances, reservedSlots: sums.reserved.slots };
      return { instances: await catalog.count(), reservedSlots: 0 };
    },
  };
}

/** The catalog of a pool that this process serves. */
export function catalogInventory(ctx: ServedContext): Inventory {
  const { catalog, clockGuard, gate, publisher } = ctx;
  return {
    ...planningInventory(ctx),
    ...catalogNotes(catalog),
    begin(id, { owner, undoOf }) {
      const by = { owner, now: clockGuard.now(), changesSeen: gate.changesSeen };
      return catalog.beginDelete(id, undoOf === null ? by : { ...by, request: undoOf });
    },
    remember: (gone) => catalog.rememberGone(gone),
    noteFailure: async (id, failure) => (await catalog.mark(id, { failure })) === 'marked',
    async end(id, outcome, owner) {
      const isDone = await catalog.endDelete(id, outcome, owner);
      if (outcome !== 'gone' || !isDone) return;
      gate.ledger.remove(id);
      gate.protected.forget(id);
      publisher.soon();
    },
  };
}
