import { type Audit, createSerialiser } from '@spica/pool';
import type { PoolContext, ServedContext } from '@spica/workers';
import { createCollectDue } from '../../packages/workers/src/collector/due.ts';
import { createCollectRuns } from '../../packages/workers/src/collector/runs.ts';
import type { Filesystem } from '../../packages/workers/src/gate/filesystem.ts';
import { GateState } from '../../packages/workers/src/gate/state.ts';
import { catalogNotes } from '../../packages/workers/src/pruner/inventory.ts';

export interface ServedContextOptions {
  readonly audit: Audit;
  readonly filesystem: Filesystem;
  readonly withDeletionClaim: ServedContext['withDeletionClaim'];
  readonly cloneSync?: ServedContext['cloneSync'];
  /** What a wake-up of held requests fails with. */
  readonly onError: (error: unknown) => void;
}

const NO_SYNC: ServedContext['cloneSync'] = {
  noteWritten: () => undefined,
  syncClones: async () => undefined,
};

/** What the workers of a pool have, without its queues being served: nobody is held, and nothing is published. */
export function servedContext(
  ctx: Omit<PoolContext, 'gateView'>,
  { audit, filesystem, withDeletionClaim, cloneSync = NO_SYNC, onError }: ServedContextOptions,
): ServedContext {
  const gate = new GateState(filesystem, { isOpen: async () => true, onError });
  const promised = () => ({ bytes: 0, inodes: 0 });
  const collectRuns = createCollectRuns({ ...ctx, audit, notes: catalogNotes(ctx.catalog), promised });
  return {
    ...ctx,
    audit,
    observe: () => undefined,
    collectRuns,
    collectDue: createCollectDue({ ...ctx, collectRuns }),
    gate,
    gateView: { read: async () => gate.published(ctx.clock.now(), ctx.clockGuard.now()) },
    publisher: { soon: () => undefined, now: async () => undefined, close: async () => undefined },
    withDeletionClaim,
    cloneSync,
    perInstance: createSerialiser(),
    preparations: createSerialiser(),
    reconciles: createSerialiser(),
  };
}
