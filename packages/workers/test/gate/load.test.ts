import { hashLeaseToken } from '@spica/catalog';
import { FilesystemTotals } from '@spica/core';
import { type GatePayload, gatePayloadSchema } from '@spica/queues';
import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import type { Line } from '../../src/gate/line.ts';
import { countInstance, loadGate } from '../../src/gate/load.ts';
import { GateState } from '../../src/gate/state.ts';
import { compare } from '../../src/reconciler/compare.ts';
import { spawnInstance } from '../../src/spawner/spawn.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 30_000 };
const LEASE = { owner: 'tester', tokenHash: hashLeaseToken('t'), ms: 3_600_000 };

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  {
    'gate.poll_every': '10m',
    'gate.max_spawns_per_hour': 10,
    'pools.main.retention.max_instances': 3,
    'pools.main.retention.prune_on_spawn': false,
  },
);

/** The gate as the next process would know it, were this one killed now. */
async function loadAnew(): Promise<GateState> {
  const sets = { waiting: new Set<() => void>(), lines: new Set<Line>() };
  const filesystem = {
    id: 'test',
    totals: new FilesystemTotals(),
    ...sets,
    sharedBy: null,
    elsewhereChangedAt: null,
  };
  const options = { isOpen: async () => true, onError: () => undefined };
  const gate = new GateState(filesystem, options);
  const ctx = { ...stack.ctx, gate };
  await compare(ctx, (instance) => countInstance(ctx, instance)); // as the first reconcile does
  await loadGate(ctx);
  return gate;
}

async function untilState(id: string, state: string): Promise<void> {
  await expect.poll(() => stack.queues.gate.getJobState(id), POLL).toBe(state);
}

async function payloadOf(id: string): Promise<GatePayload> {
  return gatePayloadSchema.parse((await stack.queues.gate.getJob(id))?.data);
}

it('has the sums, the line and the limits of the process that was killed: admitted, in flight, growing and held', async () => {
  const { ctx, queues } = stack;
  await stack.spawn({ lease: LEASE });
  await queues.spawn.pause();
  const admitted = await stack.submit({ count: 2 });
  await untilState(admitted, 'waiting-children');
  await spawnInstance(ctx, { pool: 'main', request: admitted, index: 0 }); // the other one is still to come
  const held = await stack.submit();
  await untilState(held, 'delayed');

  const { gate } = ctx;
  const fresh = await loadAnew();
  const now = Date.now();
  const sums = gate.ledger.sums(now);
  const bounds = { ceiling: { ...sums.bounds['ceiling'], landedBytes: 0 } };
  expect(fresh.ledger.sums(now)).toEqual({ ...sums, landed: { bytes: 0, inodes: 0 }, bounds });
  expect([sums.instances, sums.reserved.slots]).toEqual([2, 1]);
  expect(Math.min(sums.reserved.bytes, sums.growth.bytes)).toBeGreaterThan(0);
  expect(fresh.ledger.ownBytes).toBe(gate.ledger.ownBytes);
  expect(fresh.ledger.reservation(admitted)).toEqual(gate.ledger.reservation(admitted));
  expect(fresh.ledger.requests).toEqual([admitted]);
  expect(fresh.requests.get(admitted)).toEqual({
    ...gate.requests.get(admitted),
    parked: false,
    stop: expect.any(AbortController),
  });
  // What a request was short of, and what would help, is found anew when it is decided next.
  const known = gate.published(now, now).held.map((each) => ({ ...each, short: null }));
  expect(fresh.published(now, now).held).toEqual(known);
  expect(fresh.published(now, now).held).toMatchObject([
    { request: held, reason: expect.stringMatching(/too many/) },
  ]);
  expect(fresh.limits).toEqual(gate.limits);
  expect(fresh.limits.starts.map(({ count }) => count)).toEqual([1, 2]);
  await queues.spawn.resume();
  expect((await stack.watcher.wait(admitted)).instances).toHaveLength(2);
});

it('reserves nothing for a request that has ended, or whose instances are all there', async () => {
  const { ctx, queues } = stack;
  await queues.gate.add('request', { not: 'ours' }, { delay: 1e6 });
  const ended = await stack.submit();
  await stack.watcher.wait(ended);
  await queues.spawn.pause();
  const id = await stack.submit();
  await untilState(id, 'waiting-children');
  await spawnInstance(ctx, { pool: 'main', request: id, index: 0 });
  const fresh = await loadAnew();
  expect(fresh.ledger.sums(Date.now())).toMatchObject({ instances: 2, reserved: { bytes: 0, slots: 0 } });
  expect([...fresh.requests.keys()]).toEqual([id]); // its spawn job still asks for it
  await queues.spawn.resume();
  await stack.watcher.wait(id);
});

it('has a line of any length', async () => {
  await stack.spawn({ count: 3, lease: LEASE });
  const first = await stack.submit();
  await untilState(first, 'delayed');
  const payload = await payloadOf(first);
  const jobs = Array.from({ length: 250 }, (_, i) => ({
    name: 'request',
    data: { ...payload, submittedAt: payload.submittedAt + i + 1 },
    opts: { jobId: `req-${i}`, delay: 3_600_000 },
  }));
  await stack.queues.gate.addBulk(jobs);
  const fresh = await loadAnew();
  expect(fresh.line.size).toBe(251);
  expect(fresh.published(Date.now(), Date.now()).heldCount).toBe(251);
});
