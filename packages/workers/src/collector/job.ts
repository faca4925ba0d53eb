import { CheckError } from '@spica/core';
import type { CollectResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { failureText } from '../pruner/message.ts';
import { noTarget } from './runs.ts';

/**
 * Collects instances by command, leased or not. `patterns` are what is collected of them from now on; none have nothing
 * collected any more; null leaves that as it is. One instance's failure is its own. Throws CheckError COLLECT_TARGET where the
 * pool has no place for results, and the signal's reason.
 */
export async function collectByCommand(
  ctx: Pick<ServedContext, 'catalog' | 'collectRuns' | 'audit' | 'pool' | 'policy'>,
  { ids, patterns }: { readonly ids: readonly string[]; readonly patterns: readonly string[] | null },
  signal?: AbortSignal,
): Promise<CollectResult> {
  const forgoes = patterns?.length === 0;
  if (ctx.policy.collectTo === null && !forgoes) throw noTarget(ctx.pool.name);
  const collected: CollectResult['collected'][number][] = [];
  const forgone: string[] = [];
  const failed: CollectResult['failed'][number][] = [];
  for (const id of ids) {
    signal?.throwIfAborted();
    try {
      if (patterns !== null) await setPatterns(ctx, id, patterns);
      if (forgoes) forgone.push(id);
      else {
        const { state: _, ...found } = await ctx.collectRuns.collect(id);
        collected.push({ id, ...found });
      }
    } catch (error) {
      failed.push({ id, reason: failureText(error) });
    }
  }
  return { collected, forgone, failed };
}

/** In the audit log first: without its results collected, an instance may go. */
async function setPatterns(
  { catalog, audit, pool }: Pick<ServedContext, 'catalog' | 'audit' | 'pool'>,
  id: string,
  patterns: readonly string[],
): Promise<void> {
  const known = await catalog.get(id);
  if (!known) throw new CheckError('INSTANCE_UNKNOWN', `no instance ${id} in pool ${pool.name}`, { id });
  const before = known.record.collect;
  const [from, to] = [before, patterns].map((list) => list.join(', ') || 'nothing');
  await audit.append({
    action: 'set_collect',
    instance: id,
    reason: `what is collected of it: ${from} before`,
    bytes: 0,
    outcome: `from now on ${to}`,
  });
  const outcome = await catalog.mark(id, { collect: patterns.length > 0 ? patterns : null });
  if (outcome !== 'marked') throw new CheckError('INSTANCE_UNKNOWN', `instance ${id} is ${outcome}`, { id });
  await catalog.mark(id, { collectFailure: null });
}
