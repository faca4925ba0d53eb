import { type Config, compareConfigs, type Reload } from '@spica/core';
import type { Logger } from 'pino';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { poolFactsOf } from '../gate/pool-facts.ts';
import { policyInForce } from '../pruner/policy.ts';
import { schedule } from './schedulers.ts';
import type { PoolWorkers } from './workers.ts';

/** A pool as far as a change of the config goes. */
export interface Reconfigured {
  readonly ctx: ServedContext;
  readonly workers: Pick<PoolWorkers, 'setConcurrency'>;
}

/**
 * Takes over what can change while running, and resolves with what that was and what needs a restart. `config` is the one
 * object that all contexts of the process read from when they need a setting: it is changed in place. Held requests are
 * woken, since they may fit now. Call it again only when it has ended. Throws what Redis throws: then the settings are
 * in force, but a schedule may be the old one until the next call.
 */
export async function reconfigure(
  after: Config,
  { config, logger, pools }: { config: Config; logger: Logger; pools: readonly Reconfigured[] },
): Promise<Omit<Reload, 'next'>> {
  const { live, needsRestart, next } = compareConfigs(config, after);
  replaceIn(config as unknown as Tree, next as unknown as Tree);
  logger.level = config.log.level;
  for (const { ctx, workers } of pools) {
    ctx.logger.level = config.log.level;
    workers.setConcurrency(config.concurrency);
    await schedule(ctx);
    if (live.includes(`pools.${ctx.pool.name}.disk.growth_window`)) await countGrowthAnew(ctx);
    ctx.gate.retention = policyInForce(ctx.policy);
    ctx.gate.facts = await poolFactsOf(ctx);
    ctx.publisher.soon();
    await ctx.gate.line.wake();
  }
  return { live, needsRestart };
}

/** How long instances grow is in the ledger for each of them. */
async function countGrowthAnew(ctx: ServedContext): Promise<void> {
  for await (const instance of ctx.catalog.list()) {
    if (ctx.gate.ledger.has(instance.record.id)) countInstance(ctx, instance);
  }
}

type Tree = Record<string, unknown>;

/** Makes one tree equal to another and keeps its objects, which others hold. */
function replaceIn(tree: Tree, next: Tree): void {
  for (const key of Object.keys(tree)) if (!Object.hasOwn(next, key)) delete tree[key];
  for (const [key, value] of Object.entries(next)) {
    const there = tree[key];
    if (isTree(there) && isTree(value)) replaceIn(there, value);
    else tree[key] = value;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
