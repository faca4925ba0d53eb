import { createHash } from 'node:crypto';
import { newLeaseToken } from '@spica/catalog';
import {
  pageSchema,
  requestBodySchema,
  requestEventSchema,
  requestsQuerySchema,
  requestViewSchema,
} from '@spica/client/wire';
import { CheckError, SpicaError, UsageError } from '@spica/core';
import * as z from 'zod';
import { withoutOutput } from '../hide.ts';
import { isOwn, requireOwnInstance, requireOwnRequest, showRequest } from '../own.ts';
import { Answer, type Call, type Route, route, type StreamEvent } from '../route.ts';

/** As others than its submitter and operators see it: without parameters, notes and paths. */
const shownRequest = requestViewSchema.extend({
  request: requestViewSchema.shape.request
    .unwrap()
    .partial({ params: true, paramsEach: true, notes: true })
    .nullable(),
  instances: z.array(z.object({ id: z.string(), path: z.string().optional() })),
});
const submitted = requestViewSchema.extend({
  /** The token of the instances' leases, where the server made it: it is told this once. */
  leaseToken: z.string().optional(),
});
const result = z.object({ instances: requestViewSchema.shape.instances });

const MOST_WAIT_S = 60;
/** For reading how a request ended that has. */
const READ_MS = 10_000;
const PREFER = 'wait=30: answer when the request has ended, at the latest after so many seconds (at most 60)';
const LAST_EVENT = 'the `id` of the last event that was seen';

/** What is submitted, what becomes of it, and taking it back. */
export const requestRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/requests',
    role: 'runner',
    summary: 'Submit a request: spawn instances of a template, all or none',
    description:
      'With `lease` and without `leaseTokenHash` the server makes the token of the leases, and tells it in this answer alone. ' +
      'With an `Idempotency-Key` a request is submitted once in a day, for each token: the same key and request answer 200 with what is there, ' +
      'another request under the key 409 KEY_REUSED. A runner may clone `from` its own instances alone.',
    ofPool: true,
    headers: { 'Idempotency-Key': 'any text of at most 200 characters', Prefer: PREFER },
    body: requestBodySchema,
    answers: {
      201: ['It is submitted; with `Prefer`, as it stands then', submitted],
      200: ['It had been submitted before, under the same key', submitted],
    },
    handle: async (call) => {
      const key = readKey(call);
      const { from } = call.body;
      if (from !== null && call.caller.role !== 'operator') await requireOwnInstance(call, from); // all that is in it
      const { body, leaseToken } = withLeaseToken(call.body, { key, owner: call.caller.name });
      const { id, created } = await call.pool.submit(body, { key, by: call.caller.name });
      await waitAsPreferred(call, id);
      const view = await call.pool.request(id);
      const told = leaseToken === null ? view : { ...view, leaseToken };
      return new Answer(created ? 201 : 200, told, { location: `/v1/requests/${id}` });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/requests',
    role: 'viewer',
    summary: 'List requests, the newest first',
    ofPool: true,
    query: requestsQuerySchema,
    answers: { 200: ['A part of the list', pageSchema(shownRequest)] },
    handle: async (call) => {
      const { items, next } = await call.pool.requests(call.query);
      return { items: items.map((each) => showRequest(call, each)), next };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/requests/{id}',
    role: 'viewer',
    summary: 'Where a request stands',
    ofPool: true,
    headers: { Prefer: PREFER },
    answers: { 200: ['The request', shownRequest] },
    handle: async (call) => {
      await known(call);
      await waitAsPreferred(call, call.id);
      return showRequest(call, await known(call));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/requests/{id}/result',
    role: 'runner',
    ownOnly: true,
    summary: "A request's instances, or why there are none",
    description:
      'Waits for its end as `Prefer` says. A request that the gate rejected is a problem 409 with the sum of the decision in ' +
      '`details`, one that failed is one of its own; one that has not ended yet is 504 WAIT_TIMED_OUT, and goes on.',
    ofPool: true,
    headers: { Prefer: PREFER },
    answers: { 200: ['Its instances', result] },
    handle: async (call) => {
      const { endedAt } = await known(call);
      await requireOwnRequest(call);
      const timeoutMs = endedAt === null ? (preferredWait(call) ?? 0) : READ_MS;
      return call.pool.wait(call.id, { timeoutMs, signal: call.signal });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/requests/{id}/events',
    role: 'viewer',
    summary: 'Where a request stands, as it changes, as server-sent events',
    description:
      'The last event is `ready`, `rejected` or `failed`; whoever has seen it is answered 204. A comment every 10 s shows that ' +
      'the connection lives.',
    ofPool: true,
    headers: { 'Last-Event-ID': LAST_EVENT },
    events: requestEventSchema,
    answers: { 204: ['There is nothing after the last event that was seen', null] },
    stream: async (call) => {
      const view = await known(call);
      const after = call.headers['last-event-id'];
      const events = shownEvents(call, typeof after === 'string' ? after : null);
      return view.endedAt === null ? events : startOf(events);
    },
  }),
  route({
    method: 'DELETE',
    path: '/v1/requests/{id}',
    role: 'runner',
    ownOnly: true,
    summary: 'Take a request back',
    description:
      'Held, it leaves the gate; being spawned, it is undone. `completed`: it came too late, and changed nothing.',
    ofPool: true,
    answers: { 200: ['What came of it', z.object({ outcome: z.enum(['cancelled', 'completed']) })] },
    handle: async (call) => {
      await known(call);
      await requireOwnRequest(call);
      return { outcome: await call.pool.cancel(call.id, { by: call.caller.name }) };
    },
  }),
];

const REQUEST_ID = /^(?:req|key)-[0-9a-f]{1,64}$/;

/** Throws CheckError REQUEST_UNKNOWN; also for what cannot be a request's id, which is then asked of nobody. */
async function known({ pool, id }: Call) {
  if (REQUEST_ID.test(id)) return pool.request(id);
  throw new CheckError(
    'REQUEST_UNKNOWN',
    `id: no request "${id.slice(0, 80)}" is known in pool ${pool.pool}`,
  );
}

/** Two callers that happen on one key do not meet: neither learns what the other has submitted, `a/b` is nobody's else `b`. */
function readKey({ headers, caller }: Call): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && key.length >= 1 && key.length <= 200)
    return caller.name.includes('@') ? key : `token ${caller.name}: ${key}`; // no token's name has one
  const expected = 'Idempotency-Key: expected 1 to 200 characters';
  throw new UsageError('PAYLOAD_INVALID', expected, { field: 'Idempotency-Key' });
}

type Body = z.output<typeof requestBodySchema>;

/** Makes the token of a lease for whoever brings none. Under a key the same request needs the same token, so they bring it. */
function withLeaseToken(body: Body, { key, owner }: { key: string | null; owner: string }) {
  if (body.lease === null) return { body, leaseToken: null };
  const held = { ...body, leaseOwner: body.leaseOwner ?? owner };
  if (body.leaseTokenHash !== null) return { body: held, leaseToken: null };
  if (key !== null) {
    const why = 'a request that is submitted again under its key has to bring the same';
    const message = `body: leaseTokenHash: expected with lease and an Idempotency-Key, none was given: ${why}`;
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'leaseTokenHash' });
  }
  const leaseToken = newLeaseToken();
  const leaseTokenHash = createHash('sha256').update(leaseToken).digest('hex');
  return { body: { ...held, leaseTokenHash }, leaseToken };
}

/** Milliseconds; null where nothing is preferred. Throws UsageError for what cannot be read. */
function preferredWait({ headers }: Call): number | null {
  const prefer = headers['prefer'];
  if (typeof prefer !== 'string') return null;
  const seconds = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer)?.[1];
  if (seconds === undefined) return null; // a preference that we do not know is no error (RFC 7240)
  return Math.min(Number(seconds), MOST_WAIT_S) * 1_000;
}

/** How it ended, or that it has not, is told by the request itself. */
async function waitAsPreferred(call: Call, id: string): Promise<void> {
  const timeoutMs = preferredWait(call);
  if (timeoutMs === null) return;
  try {
    await call.pool.wait(id, { timeoutMs, signal: call.signal });
  } catch (error) {
    const isEnd = error instanceof SpicaError && error.kind !== 'unreachable';
    if (!isEnd && !call.signal.aborted) throw error;
  }
}

async function* shownEvents(call: Call, after: string | null): AsyncGenerator<StreamEvent> {
  const own = await call.pool.request(call.id).then(({ request }) => isOwn(call, request?.by));
  for await (const { id, event } of call.pool.events(call.id, { after, signal: call.signal })) {
    yield { id, data: own ? event : withoutOutput(call.hide(event)) };
  }
}

/** The same, once there is one; null where there is none. */
async function startOf(events: AsyncGenerator<StreamEvent>): Promise<AsyncIterable<StreamEvent> | null> {
  const first = await events.next();
  if (first.done) return null;
  return (async function* () {
    yield first.value;
    yield* events;
  })();
}
