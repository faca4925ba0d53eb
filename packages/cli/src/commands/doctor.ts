import { type Catalog, createCatalog } from '@spica/catalog';
import { type Config, EXIT_CODES, helpWithFailure, systemClock, UnreachableError } from '@spica/core';
import { isThere } from '@spica/pool';
import { countWorkers, redisTargetOf } from '@spica/queues';
import type { Redis } from 'ioredis';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import { whyRedisTakesNoWrites } from '../context/probe-redis.ts';
import { withRedis } from '../context/redis.ts';
import { checkClock } from '../doctor/clock.ts';
import { checkReconciled, redisDirOf } from '../doctor/disk.ts';
import { checkAudit, checkStateDir } from '../doctor/files.ts';
import { type Finding, ok, warn } from '../doctor/finding.ts';
import { checkPool, sayBlind } from '../doctor/pool.ts';
import { runProbes } from '../doctor/probes/probes.ts';
import { checkRedis, checkWrites, withoutRedis } from '../doctor/redis.ts';
import { checkTools } from '../doctor/tools.ts';
import type { Invocation } from '../io.ts';
import { writeFindings } from '../output/findings.ts';
import { writeJson } from '../output/write.ts';

/**
 * `spica doctor`: checks what Spica needs on this host and what goes wrong in practice, each with what to do, and tries what
 * it promises (`runProbes`). Exit 1 where one fails.
 */
export async function doctor({ io, options }: Invocation): Promise<number> {
  const { config: all } = await loadConfig(io, options);
  const config = choosePools(all, options.pool);
  const findings = [
    ...(await checkTools(io.env, {
      embedded: config.redis.url === null,
      packs: Object.values(config.pools).some(
        ({ collectTo, collectAs }) => collectTo && collectAs === 'tar.zst',
      ),
    })),
    await checkStateDir(config),
    await checkAudit(config),
    ...(await checkShared(config)),
    ...(await runProbes()),
  ];
  const failed = findings.some(({ level }) => level === 'fail');
  if (options.json) writeJson(io.stdout, { ok: !failed, findings });
  else writeFindings(io.stdout, findings);
  return failed ? EXIT_CODES.check : 0;
}

/** Redis and the pools. Where Redis does not answer, the pools are looked at all the same. */
async function checkShared(config: Config): Promise<Finding[]> {
  const policies = Object.values(config.pools);
  try {
    const [first = ''] = policies.map(({ name }) => name);
    const writes = checkWrites(await whyRedisTakesNoWrites(config, first));
    return await withRedis(config, async (redis) => {
      const findings = [...(await checkRedis(config, redis)), writes];
      const redisDir = await redisDirOf(redis, redisTargetOf(config));
      for (const { name } of policies) findings.push(...(await checkServed(name, redis)));
      for (const policy of policies) {
        const catalog = createCatalog({ redis, pool: policy.name });
        findings.push(...(await checkPool(policy, catalog, redisDir)));
        findings.push(...(await checkInstances(policy.name, catalog)));
      }
      return findings;
    });
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const redisDir = await embeddedDirOf(config);
    const pools = await Promise.all(policies.map((policy) => checkPool(policy, null, redisDir)));
    return [withoutRedis(config, error), ...pools.flat()];
  }
}

/** Where the embedded Redis will keep its data, which runs only under `spica up`. */
async function embeddedDirOf({ redis, stateDir }: Config): Promise<string | null> {
  return redis.url === null && (await isThere(stateDir)) ? stateDir : null;
}

async function checkServed(pool: string, redis: Redis): Promise<Finding[]> {
  const workers = (await countWorkers(redis, pool)).gate;
  const catalog = createCatalog({ redis, pool });
  const blind = (await catalog.publishedGate())?.retention?.blind;
  const check = `worker of pool ${pool}`;
  return [
    sayWorkers(check, workers),
    ...(blind ? [sayBlind(check, blind.why, blind.keepMs)] : []),
    await checkClock(pool, catalog, systemClock),
    checkReconciled(pool, (await catalog.lastRuns()).reconcile, systemClock.now()),
  ];
}

const HELP_COLLECT =
  'mend that, then `spica collect ID`; or give them up with `spica collect --none ID`, so that it may be deleted';

/** Instances that could not be taken out of sight, or collected, when that was last tried. */
async function checkInstances(pool: string, catalog: Catalog): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const { record, failure, collectFailure } of catalog.list()) {
    const check = `instance ${record.id} of pool ${pool}`;
    if (failure !== null)
      findings.push(warn(check, `it could not be deleted: ${failure.cause}`, helpWithFailure(failure)));
    if (collectFailure !== null)
      findings.push(warn(check, `its results could not be collected: ${collectFailure.cause}`, HELP_COLLECT));
  }
  return findings;
}

function sayWorkers(check: string, workers: number | null): Finding {
  if (workers === null) return ok(check, 'not known: this Redis refuses CLIENT LIST');
  return workers > 0 ? ok(check, 'serves it') : warn(check, 'nobody serves it', 'start one with `spica up`');
}
