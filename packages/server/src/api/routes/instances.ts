import { newLeaseToken } from '@spica/catalog';
import {
  collectBodySchema,
  collectionsBodySchema,
  collectViewSchema,
  growBodySchema,
  instancePageSchema,
  instancesQuerySchema,
  instanceViewSchema,
  leaseBodySchema,
  leaseTokenSchema,
  oversizeEventSchema,
  oversizeQuerySchema,
  pinBodySchema,
  releaseQuerySchema,
  samplesBodySchema,
  scoreBodySchema,
} from '@spica/client/wire';
import { CheckError, isInstanceId, isoTime } from '@spica/core';
import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import { forbidden, requireOwnInstance, requireOwnInstances, showInstance } from '../own.ts';
import { type Call, type Route, route, type StreamEvent } from '../route.ts';

const OWN = { role: 'runner', ownOnly: true, ofPool: true } as const;
const nothing = z.strictObject({});

/** As others than its submitter and operators see it. */
const shownInstance = instanceViewSchema.extend({
  collected: instanceViewSchema.shape.collected.unwrap().partial({ to: true }).nullable(),
});
const lease = z.object({
  outcome: z.enum(['granted', 'renewed']),
  owner: z.string(),
  expiresAt: z.string(),
  /** Told only where the server made it. */
  token: z.string().optional(),
});
const grown = z.object({ id: z.string(), capBytes: z.number(), granted: z.boolean(), sentence: z.string() });
const sampled = z.object({ measured: z.array(instanceViewSchema), vanished: z.array(z.string()) });
const verdict = z.object({
  id: z.string(),
  ok: z.boolean(),
  reason: z.string().nullable(),
  sha: z.string().nullable(),
});

/** The instances that are there: looking at them, holding and keeping them. */
export const instanceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/instances',
    role: 'viewer',
    ofPool: true,
    summary: 'List instances',
    description:
      '`label=NAME=VALUE`, as often as there are labels; `ids` with commas between them, at most 500. `q` is looked for in ' +
      'id, experiment, template, submitter, labels and lease owner. `rule=goes`: what the next prune would delete. ' +
      '`sort=spawned` is oldest first, `age` youngest first, `score` highest, `size` largest, `lease` whose lease ends first; ' +
      '`order` turns it round. `offset` passes over so many, in place of `cursor`.',
    query: instancesQuerySchema,
    answers: { 200: ['A part of the list, and how many match in all', instancePageSchema(shownInstance)] },
    handle: async (call) => {
      const { items, ...page } = await call.pool.instances(call.query);
      return { items: items.map((each) => showInstance(call, each)), ...page };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/oversize',
    role: 'viewer',
    ofPool: true,
    summary: 'Which instances are at their cap, or too large',
    description:
      'All of them, or with `request` those of one request; `atCap`: the kernel refuses what the instance writes. With ' +
      '`Accept: text/event-stream` the same as an event, and again at each change of which they are.',
    headers: { 'Last-Event-ID': 'the `id` of the last event that was seen' },
    query: oversizeQuerySchema,
    events: oversizeEventSchema,
    answers: { 200: ['The instances', oversizeEventSchema] },
    handle: async ({ pool, query: { request = null } }) => ({ instances: await pool.oversize({ request }) }),
    stream: async (call) => followOversize(call),
  }),
  route({
    method: 'GET',
    path: '/v1/instances/{id}',
    role: 'viewer',
    ofPool: true,
    summary: 'What is known of an instance',
    description:
      'One that is gone is a problem 410, whose `details.audit` is the audit record of its end, where that is known.',
    answers: { 200: ['The instance', shownInstance] },
    handle: async (call) => showInstance(call, await call.pool.instance(instanceId(call))),
  }),
  route({
    ...OWN,
    method: 'PUT',
    path: '/v1/instances/{id}/lease',
    summary: 'Take a lease, or renew it with its token',
    description:
      'Without a token the server makes one, and tells it in this answer alone. `force` takes it whoever has it: operators.',
    body: leaseBodySchema,
    answers: { 200: ['The lease', lease] },
    handle: async (call) => {
      await own(call);
      const { lease: ms, owner, token: given, force } = call.body;
      requireForce(call, force);
      const token = given ?? newLeaseToken();
      const by = call.caller.name;
      const asked = { owner: owner ?? by, token, ms, force, by };
      const { expiresAt, ...granted } = await call.pool.lease(call.id, asked);
      return { ...granted, expiresAt: isoTime(expiresAt), ...(given === null ? { token } : {}) };
    },
  }),
  route({
    ...OWN,
    method: 'DELETE',
    path: '/v1/instances/{id}/lease',
    summary: 'End a lease',
    description:
      '`discard`: nobody needs the instance any more, it is the first to go. `force` ends it whoever has it: operators.',
    headers: { 'Spica-Lease-Token': "the lease's token" },
    query: releaseQuerySchema,
    answers: { 200: ['What came of it', z.object({ outcome: z.enum(['released', 'discarded', 'none']) })] },
    handle: async (call) => {
      await own(call);
      requireForce(call, call.query.force);
      const asked = { ...call.query, token: leaseToken(call), by: call.caller.name };
      return { outcome: await call.pool.releaseLease(call.id, asked) };
    },
  }),
  route({
    ...OWN,
    method: 'PUT',
    path: '/v1/instances/{id}/pin',
    summary: 'Keep an instance until it is unpinned',
    body: pinBodySchema,
    answers: { 200: ['It is pinned', instanceViewSchema] },
    handle: async (call) => {
      await own(call);
      await call.pool.pin(call.id, { ...call.body, by: call.caller.name });
      return call.pool.instance(call.id);
    },
  }),
  route({
    ...OWN,
    method: 'DELETE',
    path: '/v1/instances/{id}/pin',
    summary: 'Keep an instance no longer',
    answers: { 200: ['It is not pinned', instanceViewSchema] },
    handle: async (call) => {
      await own(call);
      await call.pool.unpin(call.id, { by: call.caller.name });
      return call.pool.instance(call.id);
    },
  }),
  route({
    ...OWN,
    method: 'PUT',
    path: '/v1/instances/{id}/score',
    summary: 'Say how good an instance is; null takes that back',
    body: scoreBodySchema,
    answers: { 200: ['It has the score', instanceViewSchema] },
    handle: async (call) => {
      await own(call);
      await call.pool.score(call.id, call.body.score);
      return call.pool.instance(call.id);
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/instances/{id}/grow',
    summary: "Raise an instance's cap, if there is room (image pools)",
    body: growBodySchema,
    answers: { 200: ['Its cap', grown] },
    handle: async (call) => {
      await own(call);
      const { capBytes, maxWait } = call.body;
      const asked = { capBytes, maxWaitMs: maxWait, by: call.caller.name };
      return call.pool.grow(call.id, { ...asked, signal: call.signal });
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/instances/{id}/restore',
    role: 'operator',
    ownOnly: false,
    summary: 'Bring an instance back from the trash',
    body: nothing,
    answers: { 200: ['It is there again', instanceViewSchema] },
    handle: async (call) => {
      instanceId(call);
      await call.pool.restore(call.id, { by: call.caller.name, signal: call.signal });
      return call.pool.instance(call.id);
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/instances/{id}/collect',
    summary: "Collect an instance's results now",
    description:
      'By the patterns that it has, or by those of the body from now on. `failed` says why nothing could be collected.',
    body: collectBodySchema,
    answers: { 200: ['What was collected', collectViewSchema] },
    handle: async (call) => {
      await own(call);
      const { signal } = call;
      return call.pool.collect([call.id], { ...call.body, by: call.caller.name, signal });
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/instances/{id}/verify',
    summary: "Check an instance's lineage",
    body: nothing,
    answers: { 200: ['Whether it is what its manifest says', verdict] },
    handle: async (call) => {
      await own(call);
      return call.pool.verify(call.id, { signal: call.signal });
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/instances/{id}/sample',
    summary: 'Measure an instance now',
    body: nothing,
    answers: { 200: ['What was measured', sampled] },
    handle: async (call) => {
      await own(call);
      return call.pool.sample([call.id], { signal: call.signal });
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/samples',
    summary: 'Measure these instances, or all that are due',
    description: 'Without `ids` those that are due: operators.',
    body: samplesBodySchema,
    answers: { 200: ['What was measured', sampled] },
    handle: async (call) => {
      const { ids } = call.body;
      if (ids !== null) await requireOwnInstances(call, ids);
      else if (call.caller.role !== 'operator')
        throw forbidden('ids: to measure what is due needs the role operator');
      return call.pool.sample(ids, { signal: call.signal });
    },
  }),
  route({
    ...OWN,
    method: 'POST',
    path: '/v1/collections',
    summary: 'Collect the results of these instances now',
    description: 'As `POST /v1/instances/{id}/collect` does, with one job for all of them.',
    body: collectionsBodySchema,
    answers: { 200: ['What was collected', collectViewSchema] },
    handle: async (call) => {
      const { ids, patterns } = call.body;
      await requireOwnInstances(call, ids);
      return call.pool.collect(ids, { patterns, by: call.caller.name, signal: call.signal });
    },
  }),
];

type OversizeQuery = z.output<typeof oversizeQuerySchema>;

async function* followOversize(call: Call<OversizeQuery>): AsyncGenerator<StreamEvent> {
  const { pool, query, headers, signal } = call;
  const last = headers['last-event-id'];
  const options = { request: query.request ?? null, after: typeof last === 'string' ? last : null, signal };
  for await (const { id, instances } of pool.oversizeFollow(options)) yield { id, data: { instances } };
}

/** Throws CheckError INSTANCE_UNKNOWN for what cannot be an instance's id, which is then asked of nobody. */
function instanceId({ id, pool }: Call): string {
  if (isInstanceId(id)) return id;
  throw new CheckError('INSTANCE_UNKNOWN', `id: no instance "${id.slice(0, 80)}" in pool ${pool.pool}`);
}

async function own(call: Call): Promise<void> {
  instanceId(call);
  await requireOwnInstance(call);
}

function requireForce({ caller }: Call, force: boolean): void {
  if (force && caller.role !== 'operator') throw forbidden('force: needs the role operator');
}

function leaseToken({ headers }: Call): string | null {
  const token = headers['spica-lease-token'];
  return token === undefined ? null : parsePayload(leaseTokenSchema, token, 'Spica-Lease-Token');
}
