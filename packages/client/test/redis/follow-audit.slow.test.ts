import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { openRedisTransport } from '../../src/redis/index.ts';
import { requestBodySchema } from '../../src/wire.ts';

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'gate.poll_every': '1h' },
);

/** How many jobs the worker was given so far. */
const jobs = async () => Number(await stack.redis.get(stack.queues.sample.toKey('id')));

it('tells all who follow the audit log of each entry once, and asks the worker once for all of them', async () => {
  const transport = await openRedisTransport(stack.target, { pool: 'main' });
  const over = new AbortController();
  const { id } = await transport.submit(requestBodySchema.parse({ count: 1 }), { key: null, by: 'ada' });
  const [instance] = (await transport.wait(id, { timeoutMs: 60_000 })).instances;
  const [newest] = (await transport.auditTail({ limit: 1 })).items;
  const after = newest?.seq ?? 0;
  const seen = Array.from({ length: 40 }, (): string[] => []);
  const following = seen.map(async (reasons, i) => {
    // Some are behind, and have to read what the others have seen already.
    const from = i % 4 === 0 ? Math.max(0, after - 1) : after;
    for await (const { seq, reason } of transport.auditFollow({ after: from, signal: over.signal }))
      if (seq > after && reason?.startsWith('pinned by')) reasons.push(reason);
  });
  const begun = performance.now();
  const before = await jobs();
  const told: string[] = [];
  for (const why of ['one', 'two', 'three', 'four']) {
    await transport.pin(instance?.id ?? '', { by: 'ada', why });
    told.push(`pinned by ada: ${why}`);
    await expect.poll(() => seen).toEqual(seen.map(() => told));
  }
  // Those behind ask for themselves, once each; the feed once for each entry, and once in a second.
  const seconds = (performance.now() - begun) / 1_000;
  expect((await jobs()) - before).toBeLessThan(10 + 4 * 15 + seconds);
  over.abort(new Error('enough'));
  await Promise.all(following);
  await transport.close();
});

it('keeps few answers of the worker in Redis, and bounds each', async () => {
  const transport = await openRedisTransport(stack.target, { pool: 'main' });
  const note = { action: 'noted', reason: 'x'.repeat(1_000), at: new Date().toISOString(), outcome: 'done' };
  for (let i = 0; i < 300; i += 1) await stack.ctx.catalog.leaveNote(note);
  await expect
    .poll(
      async () =>
        (await transport.auditTail({ limit: 1_000 })).items.filter(({ action }) => action === 'noted').length,
    )
    .toBeGreaterThan(50);
  const lines = (await transport.auditTail({ limit: 1_000 })).items;
  expect(JSON.stringify(lines).length).toBeLessThan(130_000);
  await Promise.all(Array.from({ length: 150 }, () => transport.auditTail({ limit: 1 })));
  expect(await stack.queues.sample.getCompletedCount()).toBeLessThanOrEqual(100);
  // Page by page all of it is read, each entry once.
  const all: number[] = [];
  for (let after = 0; ; ) {
    const page = (await transport.auditTail({ limit: 1_000, after })).items;
    if (page.length === 0) break;
    all.push(...page.map(({ seq }) => seq));
    after = page.at(-1)?.seq ?? 0;
  }
  expect(all).toEqual(all.map((_, i) => (all[0] ?? 0) + i));
  expect(all.length).toBeGreaterThan(lines.length);
  await transport.close();
});
