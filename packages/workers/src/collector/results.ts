import { lstat } from 'node:fs/promises';
import {
  type InstanceRecord,
  isoTime,
  mayGoUncollected,
  nullIfMissing,
  type PoolConfig,
  type Verdict,
} from '@spica/core';
import { readCollectState } from '@spica/pool';
import pTimeout, { TimeoutError } from 'p-timeout';
import type { ServedContext } from '../context.ts';
import { failureText } from '../pruner/message.ts';
import type { CollectRuns } from './runs.ts';

/** A prune waits no longer than this for collections, all of them together: who waits for its room must not hang on them. */
const PATIENCE_MS = 60_000;

/** What a deletion asks about results that are to be collected first. */
export interface Results {
  /** Whether an instance may go as far as its results go: they are collected as they are at this moment, or there are none. */
  isCollected(record: InstanceRecord): Promise<boolean>;
  /** Collects them; resolves with why the instance stays for now, or null once that is done. */
  collect(id: string): Promise<string | null>;
}

/** For one prune of a pool that this process serves. */
export function resultsOf(ctx: Pick<ServedContext, 'pool' | 'policy' | 'collectRuns'>): Results {
  return createResults(ctx, ctx.collectRuns, { waitMs: patienceOf(ctx.policy) });
}

/** @param waitMs How long it waits for all collections together; null as long as they take. */
export function createResults(
  { pool }: Pick<ServedContext, 'pool'>,
  runs: Pick<CollectRuns, 'collect' | 'passOver'>,
  { waitMs }: { readonly waitMs: number | null },
): Results {
  const deadline = waitMs === null ? Number.POSITIVE_INFINITY : performance.now() + waitMs;
  return {
    async isCollected(record) {
      const { id, collect: patterns, collected } = record;
      if (patterns.length === 0) return true;
      const dir = pool.pathOf(id);
      const found = await nullIfMissing(lstat(dir));
      if (!found?.isDirectory()) return true; // nothing of it is there
      if (collected === null) return false;
      return mayGoUncollected(record, await readCollectState({ id, dir, patterns }));
    },
    async collect(id) {
      try {
        const milliseconds = Math.max(0, deadline - performance.now());
        await pTimeout(runs.collect(id), { milliseconds });
        return null;
      } catch (error) {
        if (error instanceof TimeoutError) {
          runs.passOver(id);
          return 'its results are still being collected';
        }
        return `its results could not be collected: ${failureText(error)}`;
      }
    },
  };
}

function patienceOf({ collectTimeoutMs }: Pick<PoolConfig, 'collectTimeoutMs'>): number {
  return Math.min(PATIENCE_MS, collectTimeoutMs);
}

/** Instances whose collection has kept somebody waiting in vain: plans pass them over until it has ended. */
export function beingCollected({
  collectRuns,
}: {
  readonly collectRuns?: Pick<CollectRuns, 'passedOver'>;
}): [id: string, verdict: Verdict][] {
  return [...(collectRuns?.passedOver() ?? [])].map(([id, since]) => [
    id,
    { rule: 'collecting', reason: `its results are being collected since ${isoTime(since)}` },
  ]);
}
