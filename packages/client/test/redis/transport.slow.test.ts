import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { openRedisTransport, type Transport } from '../../src/redis/index.ts';
import { requestBodySchema } from '../../src/wire.ts';

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.retention.max_instances': 5, 'gate.poll_every': '1h' },
);

async function open(): Promise<Transport & AsyncDisposable> {
  const transport = await openRedisTransport(stack.target, { pool: 'main' });
  return { ...transport, [Symbol.asyncDispose]: () => transport.close() };
}

const submit = (transport: Transport, body: object, key: string | null = null) =>
  transport.submit(requestBodySchema.parse({ count: 1, ...body }), { key, by: 'tester' });

const never = { timeoutMs: 2 ** 31 - 1 };

it('gives a list in parts, in any order, and refuses a cursor that it did not give', async () => {
  await using transport = await open();
  const { id } = await submit(transport, { count: 5, experiment: 'e' });
  const { instances } = await transport.wait(id, never);
  await transport.score(instances[2]?.id ?? '', 7);
  for (const sort of ['spawned', 'score', 'size'] as const) {
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await transport.instances({ sort, limit: 2, ...(cursor && { cursor }) });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map((each) => each.id));
      cursor = page.next;
    }
    expect([...seen].sort()).toEqual(instances.map((each) => each.id).sort());
    if (sort === 'score') expect(seen[0]).toBe(instances[2]?.id);
  }
  for (const cursor of ['x', Buffer.from('["a",1]').toString('base64url')]) {
    const message = 'list: cursor: expected `next` of the part of the list before';
    await expect(transport.instances({ cursor })).rejects.toThrow(message);
  }
});

it('lists requests by how they stand, the newest first', async () => {
  await using transport = await open();
  const first = await submit(transport, { count: 4, leaseTokenHash: '0'.repeat(64), lease: '1h' });
  await transport.wait(first.id, never);
  const held = await submit(transport, { count: 3 });
  await expect.poll(() => stack.ctx.gate.line.state().length).toBe(1);
  const rejected = await submit(transport, { count: 6 });
  await expect(transport.wait(rejected.id, never)).rejects.toMatchObject({ code: 'NEVER_FITS' });
  const ids = async (query: Parameters<Transport['requests']>[0]) =>
    (await transport.requests(query)).items.map(({ id }) => id);
  expect(await ids({})).toEqual([rejected.id, held.id, first.id]);
  expect(await ids({ state: 'held' })).toEqual([held.id]);
  expect(await ids({ state: 'completed' })).toEqual([first.id]);
  expect(await ids({ state: 'failed' })).toEqual([rejected.id]);
  const { next } = await transport.requests({ limit: 2 });
  expect(await ids({ cursor: next ?? '' })).toEqual([first.id]);
  expect(await transport.poolStatus()).toMatchObject({ held: [{ request: held.id }], heldCount: 1 });
  const others: string[] = [];
  for (let i = 0; i < 3; i += 1) others.push((await submit(transport, { count: 2 })).id);
  await expect.poll(() => stack.ctx.gate.line.state().length).toBe(4);
  const { items } = await transport.requests({ state: 'held' });
  expect(items.map(({ id }) => id).sort()).toEqual([...others, held.id].sort());
  const times = items.map(({ submittedAt }) => submittedAt); // two of one millisecond stand in the order of their ids
  expect(times).toEqual(times.toSorted().reverse());
});

it('tells whoever comes back only of what has changed, and notes who cancelled', async () => {
  await using transport = await open();
  const { id: first } = await submit(transport, { count: 5, leaseTokenHash: '0'.repeat(64), lease: '1h' });
  await transport.wait(first, never);
  const { id } = await submit(transport, { count: 2 });
  const seen: { id: string; phase: string }[] = [];
  for await (const { id: name, event } of transport.events(id, {})) {
    seen.push({ id: name, phase: event.phase });
    if (event.phase === 'held' && event.position !== null) break; // the gate publishes its place a moment later
  }
  const rest = Array.fromAsync(transport.events(id, { after: seen.at(-1)?.id ?? null }));
  expect(await transport.cancel(id, { by: 'somebody' })).toBe('cancelled');
  const phases = (await rest).map(({ event }) => event.phase);
  expect(phases.at(-1)).toBe('rejected');
  expect(phases).not.toContain('held');
  const entries = async () => (await transport.auditTail({ limit: 100 })).items;
  const entry = { action: 'cancel_request', request: id, reason: 'cancelled by somebody' };
  await expect.poll(entries).toContainEqual(expect.objectContaining(entry));
  await expect(Array.fromAsync(transport.events('req-none', {}))).rejects.toMatchObject({
    code: 'REQUEST_UNKNOWN',
  });
});

it('submits a request once under its key, and says so', async () => {
  await using transport = await open();
  const first = await submit(transport, {}, 'k');
  const again = await transport.submit(requestBodySchema.parse({ count: 1 }), { key: 'k', by: 'another' });
  expect([first.created, again]).toEqual([true, { id: first.id, created: false }]);
  await expect(submit(transport, { count: 2 }, 'k')).rejects.toMatchObject({ code: 'KEY_REUSED' });
  await expect(submit(transport, { lease: '1h' })).rejects.toMatchObject({
    details: { field: 'leaseTokenHash' },
  });
});
