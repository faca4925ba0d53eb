import type { PoolWork } from '@spica/core';
import { type AuditLog, createSerialiser } from '@spica/pool';
import { announceClock } from '../clock/announce.ts';
import { createClockGuard } from '../clock/guard.ts';
import { uptime } from '../clock/uptime.ts';
import { createCollectDue } from '../collector/due.ts';
import { createCollectRuns } from '../collector/runs.ts';
import type { PoolContext, ServedContext } from '../context.ts';
import { findDisksBelow } from '../gate/bounds.ts';
import { type Filesystems, findFilesystem } from '../gate/filesystem.ts';
import { poolFactsOf } from '../gate/pool-facts.ts';
import { createPublisher } from '../gate/publish.ts';
import { GateState } from '../gate/state.ts';
import { createDeletionClaim } from '../pruner/claim.ts';
import { catalogNotes } from '../pruner/inventory.ts';
import { policyInForce } from '../pruner/policy.ts';
import { findEnded } from '../reconciler/requests.ts';
import { createCloneSync } from '../spawner/sync.ts';
import type { WorkEvents } from '../work-events.ts';

/** What a pool shares with the other pools of its process. */
export interface SharedByPools {
  readonly log: AuditLog;
  readonly filesystems: Filesystems;
  readonly events: WorkEvents;
}

/** Adds to a pool's context what serving it needs: its gate, audit log, clock guard, and so on. Nothing runs yet. */
export async function makeServed(
  ctx: PoolContext,
  { log, filesystems, events }: SharedByPools,
): Promise<ServedContext> {
  const { pool, clock, logger } = ctx;
  const observe = (work: PoolWork) => events.emit({ ...work, pool: pool.name });
  const audit = log.forPool(pool.name);
  const isOpen = async (request: string) => (await findEnded(ctx, [request])).length === 0;
  const onError = (err: unknown) => logger.warn({ err }, 'a held request could not be brought back');
  const below = await findDisksBelow(filesystems, ctx);
  const filesystem = await findFilesystem(filesystems, pool.paths.root);
  const gate = new GateState(filesystem, { isOpen, onError }, below);
  gate.retention = policyInForce(ctx.policy);
  gate.root = ctx.pool.paths.root;
  gate.facts = await poolFactsOf(ctx);
  const clockGuard = createClockGuard({
    ...ctx,
    monotonic: uptime,
    onChange: (reason) => announceClock(audit, ctx, reason),
  });
  const promised = () => {
    const { reserved, growth } = gate.ledger.sums(clockGuard.now());
    return { bytes: reserved.bytes + growth.bytes, inodes: reserved.inodes + growth.inodes };
  };
  const notes = catalogNotes(ctx.catalog);
  const collectRuns = createCollectRuns({ ...ctx, clockGuard, audit, observe, notes, promised });
  return {
    ...ctx,
    audit,
    observe,
    clockGuard,
    collectRuns,
    collectDue: createCollectDue({ ...ctx, clockGuard, collectRuns }),
    gate,
    publisher: createPublisher({ ...ctx, clockGuard, gate }),
    gateView: { read: async () => gate.published(clock.now(), clockGuard.now()) },
    withDeletionClaim: createDeletionClaim(pool, clock),
    cloneSync: createCloneSync(),
    perInstance: createSerialiser(),
    preparations: createSerialiser(),
    reconciles: createSerialiser(),
  };
}
