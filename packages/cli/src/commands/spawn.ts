import { submitTo } from '@spica/client/redis';
import type { RequestBodyInput } from '@spica/client/wire';
import { systemClock, TimedOutError, UnreachableError, UsageError } from '@spica/core';
import {
  closeQueues,
  describeTarget,
  MAX_COUNT,
  openQueues,
  type RequestResult,
  redisTargetOf,
  requireWorker,
  toUnreachable,
} from '@spica/queues';
import { type LoadedConfig, loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseCount, parseSpan, parseWait } from '../input/numbers.ts';
import { parseLabels, parseParams } from '../input/pairs.ts';
import { parsePatterns } from '../input/patterns.ts';
import { parseReplicas, type ReplicaOptions } from '../input/replicas.ts';
import { chooseTemplate, namesTemplates } from '../input/template.ts';
import { parseGivenText, parseWho } from '../input/who.ts';
import type { GlobalOptions, Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';
import { readSpawnLease, type SpawnLease, type SpawnLeaseOptions } from '../request/lease.ts';
import { waitForRequest, writeWarnings } from '../request/wait.ts';
import { startTracing } from '../stack/tracing.ts';
import { Interrupted } from '../wait/interrupted.ts';

export interface SpawnOptions extends SpawnLeaseOptions, ReplicaOptions {
  readonly count: string;
  readonly template?: string;
  readonly set?: readonly string[];
  readonly parent?: string;
  readonly from?: string;
  readonly experiment?: string;
  readonly label?: readonly string[];
  readonly notes?: string;
  readonly ttl?: string;
  readonly collect?: readonly string[] | false;
  readonly wait: boolean;
  readonly maxWait?: string;
  readonly timeout?: string;
}

/**
 * `spica spawn`: submits a request and, unless `--no-wait`, waits for its instances. Prints their ids. With `--lease` the
 * token is made here and shown once: in the JSON (that of the error, should the waiting end early), else on standard
 * error as soon as the request is submitted.
 */
export async function spawn({ io, options }: Invocation<SpawnOptions>): Promise<number> {
  const timeoutMs = parseWait('--timeout', options.timeout);
  const loaded = await loadConfig(io, options);
  const lease = readSpawnLease(options, io.env);
  const { pool, key, body } = readSpawn(options, loaded, lease);
  const { count } = body;
  const json = options.json === true;
  await using _tracing = await startTracing(loaded.config);
  return await withRedis(loaded.config, async (redis) => {
    const catalog = await openOwnCatalog(redis, choosePool(loaded.config, options.pool));
    const queues = openQueues(pool, redis);
    // Before it is submitted: a request that nobody serves would come up long after its submitter went away.
    if (options.wait) await requireWorker(redis, { pool, queue: 'gate' });
    const by = parseWho('--owner', undefined);
    const named = { name: pool, catalog, queues };
    const { id: request } = await submitTo(named, body, { key, by, clock: systemClock });
    if (lease && !json) io.stderr.write(`lease token: ${lease.token}\n`);
    const printed = { pool, request, ...(lease && { lease: toLeaseJson(lease) }) };
    if (options.wait) {
      const waiting = waitForRequest(queues, request, { io, redis, pool, count, timeoutMs });
      const { instances } = await waiting.catch((error: unknown) => {
        const where = describeTarget(redisTargetOf(loaded.config));
        throw withHandle(error, { request, lease: json ? printed.lease : undefined, redis: where });
      });
      printInstances(io.stdout, json, { ...printed, instances });
      await writeWarnings(queues, request, io);
    } else if (json) writeJson(io.stdout, printed);
    else io.stdout.write(`${request}\n`);
    await closeQueues(queues);
    return 0;
  });
}

/** Throws UsageError FLAG_INVALID beside `--template` and `--parent`, which follow from it. */
function readFrom({ from, template, parent }: SpawnOptions): string | null {
  if (from === undefined) return null;
  if (template === undefined && parent === undefined) return parseInstanceId('--from', from);
  throw new UsageError(
    'FLAG_INVALID',
    `--from: expected no ${template === undefined ? '--parent' : '--template'} beside it, as it follows from the instance`,
  );
}

interface Spawn {
  readonly pool: string;
  /** Idempotency key. */
  readonly key: string | null;
  readonly body: RequestBodyInput;
}

/** Checks what was asked for before anything is done. Throws UsageError that names the flag. */
function readSpawn(
  options: SpawnOptions & GlobalOptions,
  { config, effective }: LoadedConfig,
  lease: SpawnLease | null,
): Spawn {
  const policy = choosePool(config, options.pool);
  const template =
    options.template === undefined || namesTemplates(effective, policy.name)
      ? chooseTemplate(policy, options.template)
      : options.template;
  const body = {
    count: parseCount('-n', options.count, { least: 1, most: MAX_COUNT }),
    template,
    params: parseParams(options.set ?? []),
    from: readFrom(options),
    parent: options.parent === undefined ? null : parseInstanceId('--parent', options.parent),
    experiment: parseGivenText('--experiment', options.experiment),
    labels: parseLabels(options.label ?? []),
    notes: options.notes ?? '',
    lease: lease?.asked.ms ?? null,
    leaseOwner: lease?.asked.owner ?? null,
    leaseTokenHash: lease?.asked.tokenHash ?? null,
    ttl: parseSpan('--ttl', options.ttl),
    replicas: parseReplicas(options),
    collect: readCollect(options),
    maxWait: parseWait('--max-wait', options.maxWait),
  };
  return { pool: policy.name, key: parseGivenText('--key', options.key), body };
}

/** `--no-collect` has nothing collected, whatever the template says. */
function readCollect({ collect }: SpawnOptions): string[] | null {
  if (collect === undefined) return null;
  return collect === false ? [] : parsePatterns('--collect', collect);
}

function toLeaseJson({ asked, token }: SpawnLease) {
  return { owner: asked.owner, ms: asked.ms, token };
}

/** What is needed to go on with a request that is not waited for any more. */
interface Handle {
  readonly request: string;
  /** With the token; undefined where it was printed already. */
  readonly lease: ReturnType<typeof toLeaseJson> | undefined;
  /** Where Redis is, for people. */
  readonly redis: string;
}

/** Whoever lost sight of a request has to know which, that it is not lost, and the token of the lease that it brings. */
function withHandle(error: unknown, { request, lease, redis }: Handle): unknown {
  const details = { request, ...(lease && { lease }) };
  if (error instanceof Interrupted) return new Interrupted(error.message, details);
  if (error instanceof TimedOutError) return new TimedOutError(error.code, error.message, details, error);
  const lost = error instanceof UnreachableError ? error : toUnreachable(error, redis);
  if (lost === null) return error;
  const message = `${lost.message}; request ${request} stays in the queue until then`;
  return new UnreachableError(lost.code, message, details, error);
}

function printInstances(
  stdout: Invocation['io']['stdout'],
  json: boolean,
  result: RequestResult & { readonly pool: string; readonly request: string },
): void {
  if (json) writeJson(stdout, result);
  else if (!stdout.isTTY) stdout.write(result.instances.map(({ id }) => `${id}\n`).join(''));
  else {
    const columns = [
      { title: 'id', text: ({ id }: RequestResult['instances'][number]) => id },
      { title: 'path', text: ({ path }: RequestResult['instances'][number]) => path },
    ];
    writeRows(stdout, columns, result.instances);
  }
}
