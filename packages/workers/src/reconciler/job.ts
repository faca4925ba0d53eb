import type { ReconcileResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { reconcile } from './reconcile.ts';

/** A reconcile while the workers run, as a job asks for it. What vanished, or was deleted, has freed its slot: who is held looks again. */
export async function reconcileNow(ctx: ServedContext): Promise<ReconcileResult> {
  const found = await reconcile(ctx, { starting: false });
  const { vanished, interrupted, orphans } = found;
  const isFreed = vanished.length > 0 || orphans.length > 0 || interrupted.some(({ onDisk }) => !onDisk);
  ctx.publisher.soon();
  if (isFreed) await ctx.gate.line.wake();
  return {
    adopted: found.adoptable.length,
    flagged: found.adoptable.filter(({ flag }) => flag !== null).length,
    buried: found.vanished.length,
    givenBack: found.orphans.length,
    recordsRemoved: found.staleRecords.length,
    unknownDirectories: found.unknownDirectories,
    brokenRecords: found.brokenRecords,
    graceUntil: found.graceUntil,
  };
}
