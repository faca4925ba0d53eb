import { formatDuration, isoTime, RefusedError, TimedOutError, UsageError } from '@spica/core';
import {
  type Ask,
  type AuditPage,
  type CollectResult,
  type GrowResult,
  type LineageVerdict,
  type PrunePayload,
  type PrunePlan,
  type PruneResult,
  parsePayload,
  runServedJob,
  type SamplePayload,
  type SampleResult,
  type WhatIfPlan,
} from '@spica/queues';
import type { Asking, CollectAsked, GrowAsked, OnBehalf } from '../transport.ts';
import type { CollectView, SampleView } from '../view.ts';
import type { PruneLimits, WhatIf } from '../wire/bodies.ts';
import { type AuditQuery, auditQuerySchema } from '../wire/queries.ts';
import type { Connection } from './connection.ts';
import { instanceGone, readInstances, withWhyGone } from './instances.ts';

/*
 * What the pool's worker does or tells, by a job of its own: the disk and the config are its affair.
 */

/** A pool in Redis; `events` where more than one job is waited for. */
export interface AskedPool extends Pick<Connection, 'name' | 'catalog' | 'queues' | 'redis'> {
  readonly events?: Connection['events'];
}

/**
 * Before measurements that wait. Answers are large, and anybody who may look on may ask: few are kept, or Redis would hold
 * hundreds of megabytes of them.
 */
const ASKED = { lifo: true, removeOnComplete: { count: 100 }, removeOnFail: { count: 100 } };

/**
 * Has the worker do a job, for as long as one serves the pool. Throws UnreachableError WORKER_UNREACHABLE, TimedOutError
 * WAIT_TIMED_OUT (the job goes on), the signal's reason, or what the job failed with.
 */
async function work(
  { queues, redis, events, name }: AskedPool,
  payload: SamplePayload | PrunePayload,
  { timeoutMs, signal }: Asking = {},
): Promise<unknown> {
  const queue = 'cause' in payload ? 'prune' : 'sample';
  const timeout = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
  const signals = [signal, timeout].filter((each) => each !== null && each !== undefined);
  try {
    return await runServedJob(queues, queue, payload, {
      redis,
      ...(events ? { events: await events(queue) } : {}),
      ...(signals.length > 0 ? { signal: AbortSignal.any(signals) } : {}),
      options: 'ask' in payload ? ASKED : {},
    });
  } catch (error) {
    if (!timeout?.aborted || signal?.aborted || error !== timeout.reason) throw error;
    const waited = formatDuration(timeoutMs ?? 0);
    throw new TimedOutError('WAIT_TIMED_OUT', `the worker of pool ${name} has not answered within ${waited}`);
  }
}

/** Has the worker tell something. The answer is of the kind that was asked for. */
export async function ask<Answer>(connection: AskedPool, asked: Ask, asking?: Asking): Promise<Answer> {
  return (await work(connection, { pool: connection.name, ask: asked }, asking)) as Answer;
}

/** Throws InstanceGoneError, RefusedError GROW_REFUSED with the sum. */
export async function growInstance(
  connection: AskedPool,
  id: string,
  { capBytes, maxWaitMs = null, by, ...asking }: GrowAsked,
): Promise<GrowResult> {
  await noteAsked(connection, { action: 'grow_instance', instance: id, by });
  const payload = { pool: connection.name, grow: { id, capBytes, maxWaitMs } };
  const result = (await work(connection, payload, asking).catch(async (error: unknown) => {
    throw await withWhyGone(connection, id, error);
  })) as GrowResult;
  if (result.granted) return result;
  throw new RefusedError('GROW_REFUSED', `instance ${id}: ${result.sentence}`, { ...result });
}

export async function restoreInstance(
  connection: AskedPool,
  id: string,
  { by, ...asking }: OnBehalf & Asking,
): Promise<void> {
  await noteAsked(connection, { action: 'restore_instance', instance: id, by });
  await work(connection, { pool: connection.name, cause: 'restore', id }, asking);
}

/** What a prune would do now, or what is to become of just these. */
export function planPrune(
  connection: AskedPool,
  { maxInstances, maxAge, ids }: PruneLimits,
  asking?: Asking,
): Promise<PrunePlan> {
  const plan = { maxInstances, maxAgeMs: maxAge, ...(ids && { ids }) };
  return ask<PrunePlan>(connection, { plan }, asking);
}

export function askWhatIf(connection: AskedPool, limits: WhatIf, asking?: Asking): Promise<WhatIfPlan> {
  const { maxInstances = null, maxAge: maxAgeMs = null, keepBest = null, minFreeGb } = limits;
  const minFreeBytes = minFreeGb === undefined ? null : minFreeGb * 1e9;
  const whatIf = { maxInstances, maxAgeMs, keepBest, minFreeBytes };
  return ask<WhatIfPlan>(connection, { whatIf }, asking);
}

export async function executePlan(
  connection: AskedPool,
  digest: string,
  { by, reason, ...asking }: OnBehalf & Asking & { readonly reason?: string },
): Promise<PruneResult> {
  await noteAsked(connection, {
    action: 'prune_instances',
    plan: digest,
    by,
    ...(reason && { why: reason }),
  });
  return (await work(connection, { pool: connection.name, cause: 'sealed', digest }, asking)) as PruneResult;
}

/** Who asked: the worker's own entries say what came of it. */
async function noteAsked(
  { catalog }: AskedPool,
  {
    by,
    why,
    ...of
  }: OnBehalf & { readonly action: string; readonly why?: string; readonly [fact: string]: unknown },
): Promise<void> {
  const reason = `asked for by ${by ?? 'an unknown caller'}${why === undefined ? '' : `: ${why}`}`;
  await catalog.leaveNote({ ...of, by, reason, at: isoTime(Date.now()), outcome: 'asked' });
}

/** Throws InstanceGoneError for one that is not there. */
export async function sampleInstances(
  connection: AskedPool,
  ids: readonly string[] | null,
  asking?: Asking,
): Promise<SampleView> {
  const { catalog, name } = connection;
  const known = new Set((await catalog.getMany(ids ?? [])).map(({ record }) => record.id));
  const unknown = ids?.find((id) => !known.has(id));
  if (unknown !== undefined) throw await instanceGone(connection, unknown);
  const payload = { pool: name, ids: ids && [...ids] };
  const { measured, vanished } = (await work(connection, payload, asking)) as SampleResult;
  return { measured: await readInstances(connection, measured), vanished };
}

/** Throws InstanceGoneError for one that is not there. */
export async function collectInstances(
  connection: AskedPool,
  ids: readonly string[],
  { patterns, by, ...asking }: CollectAsked,
): Promise<CollectView> {
  const known = new Set((await connection.catalog.getMany(ids)).map(({ record }) => record.id));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) throw await instanceGone(connection, unknown);
  for (const instance of ids) await noteAsked(connection, { action: 'collect_instance', instance, by });
  const collect = { ids: [...ids], patterns: patterns && [...patterns] };
  const done = (await work(connection, { pool: connection.name, collect }, asking)) as CollectResult;
  return { ...done, collected: done.collected.map((each) => ({ ...each, at: isoTime(each.at) })) };
}

/** Throws InstanceGoneError. */
export async function verifyInstance(
  connection: AskedPool,
  id: string,
  asking?: Asking,
): Promise<LineageVerdict> {
  if (!(await connection.catalog.get(id))) throw await instanceGone(connection, id);
  return ask<LineageVerdict>(connection, { verify: { id } }, asking);
}

export function readAudit(connection: AskedPool, query: AuditQuery, asking?: Asking): Promise<AuditPage> {
  const { limit, after = null, before = null, since, until, ...rest } = readAuditQuery(query);
  const { action = null, outcome = null, instance = null, request = null, by = null } = rest;
  const times = { since: since ? Date.parse(since) : null, until: until ? Date.parse(until) : null };
  const filter = { action, outcome, instance, request, by, ...times };
  return ask<AuditPage>(connection, { audit: { limit, after, before, filter } }, asking);
}

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
function readAuditQuery(query: AuditQuery) {
  const read = parsePayload(auditQuerySchema, query, 'audit');
  if (read.after === undefined || read.before === undefined) return read;
  const message = 'audit: before: expected without after, both were given';
  throw new UsageError('PAYLOAD_INVALID', message, { field: 'before' });
}
