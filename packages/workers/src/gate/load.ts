import type { CatalogInstance } from '@spica/catalog';
import { type InstanceRecord, instanceIdOf, type LedgerInstance, ownBytes } from '@spica/core';
import { type GatePayload, gatePayloadSchema, progressOf } from '@spica/queues';
import type { Job } from 'bullmq';
import type { PoolContext, ServedContext } from '../context.ts';
import { countedGrowth } from '../sampler/growth.ts';
import type { GateState, OpenRequest } from './state.ts';

/** Gate jobs that have not ended, in BullMQ's words. */
const OPEN = ['wait', 'active', 'delayed', 'waiting-children', 'prioritized'] as const;
/** A request may have a megabyte. */
const PAGE = 100;

/** An instance as the ledger counts it, by what is known of it. */
export function countedAs(
  ctx: Pick<PoolContext, 'policy' | 'clockGuard' | 'isCharged'>,
  record: InstanceRecord,
): LedgerInstance {
  const growth = countedGrowth(ctx, record);
  return { ownBytes: ownBytes(record) ?? record.cloned?.bytes ?? 0, growth };
}

/**
 * Counts an instance that the catalog knows, and notes when its results are to be collected. One that is on its way out counts
 * until it is gone.
 */
export function countInstance(ctx: ServedContext, { record }: Pick<CatalogInstance, 'record'>): void {
  ctx.collectDue.note(record);
  ctx.gate.protected.note(record);
  ctx.gate.ledger.count(record.id, countedAs(ctx, record));
}

/**
 * Makes the gate's state from what outlasts a process: the gate's own jobs, which say who was admitted with what, and who
 * is held since when. The first reconcile has counted the instances. To be called after it, before the workers start.
 */
export async function loadGate(ctx: ServedContext): Promise<void> {
  const { catalog, gate, queues } = ctx;
  const published = await catalog.publishedGate();
  gate.limits = published?.limits ?? gate.limits;
  gate.share = published?.share ?? gate.share;
  for (let start = 0; ; start += PAGE) {
    const jobs: (Job | undefined)[] = await queues.gate.getJobs([...OPEN], start, start + PAGE - 1, true);
    for (const job of jobs) if (job) await takeUp(ctx, job);
    if (jobs.length < PAGE) return;
  }
}

/** What cannot be read is for the gatekeeper to refuse, when its turn comes. */
async function takeUp({ gate, pool }: ServedContext, job: Job): Promise<void> {
  const state = gatePayloadSchema.safeParse(job.data).data;
  const id = job.id ?? '';
  if (!state) return;
  if (state.admitted !== null) openRequest(gate, pool.name, id, state);
  else if (state.heldAt !== null) {
    const { heldAt, submittedAt, request } = state;
    const reason = progressOf(job.progress)?.reason ?? '';
    const { count } = request;
    const waiting = { request: id, heldAt, submittedAt, count, reason, short: null, need: null, job };
    await gate.line.hold(waiting, null);
  }
}

/** The request as its spawn jobs need it, with its reservation: for each of its instances that has not come up. */
export function openRequest(
  gate: GateState,
  pool: string,
  id: string,
  state: GatePayload,
): OpenRequest | null {
  const known = gate.requests.get(id);
  if (known?.life === state.life && known.round === state.round) return known;
  const { request, life, round, admitted } = state;
  if (admitted === null) return null;
  const ids = Array.from({ length: request.count }, (_, index) => instanceIdOf(pool, id, index));
  gate.ledger.reserve(id, admitted.each, ids.filter((each) => !gate.ledger.has(each)).length);
  const open: OpenRequest = { request, life, round, admitted, parked: false, stop: new AbortController() };
  gate.requests.set(id, open);
  return open;
}
