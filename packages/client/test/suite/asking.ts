import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { InstanceGoneError } from '../../src/index.ts';
import type { Serve } from './serve.ts';

type ListDue = Stack['ctx']['catalog']['listDue'];

/** Has measurements find out so what is due, to the end of the test. */
function replaceListDue({ ctx }: Stack, listDue: ListDue): void {
  const spy = vi.spyOn(ctx.catalog, 'listDue').mockImplementation(listDue);
  onTestFinished(() => spy.mockRestore());
}

/** What a client may rely on of what the pool's worker does and tells. */
export function testAsking(serve: Serve): void {
  it('says what the gate would do with a request, with the sum, and changes nothing', async () => {
    const { spica, stack } = await serve();
    const fits = await spica.preflight({ count: 2 });
    expect(fits).toMatchObject({ verdict: 'admit', need: { slots: 2 }, help: null });
    expect(fits.sentence).toContain('available');
    expect(await spica.preflight({ count: 11 })).toMatchObject({ verdict: 'impossible' });
    await expect(spica.preflight({ count: 0 })).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' });
    await expect(spica.preflight({ count: 1, template: 'none' })).rejects.toMatchObject({
      kind: 'usage',
      code: 'TEMPLATE_UNKNOWN',
    });
    expect(await stack.ctx.catalog.count()).toBe(0);
  });

  it('plans, carries out exactly that plan, and says of what went why it did', async () => {
    const { spica, stack } = await serve();
    const { instances } = await (await spica.spawn({ count: 3 })).ready();
    const plan = await spica.plan({ maxInstances: 1 });
    expect(plan).toMatchObject({ kept: 1, pruned: [{}, {}], dryRun: true });
    expect(await stack.ctx.catalog.count()).toBe(3);
    const result = await spica.execute(plan.digest);
    const gone = result.pruned.map(({ id }) => id).sort();
    expect(gone).toEqual(plan.pruned.map(({ id }) => id).sort());
    const [left] = await Array.fromAsync(spica.instances.list());
    expect(instances.map(({ id }) => id)).toContain(left?.id);

    const [one = '', other = ''] = gone;
    const whyGone = await spica.instances.get(one).catch((error: unknown) => error);
    expect(whyGone).toBeInstanceOf(InstanceGoneError);
    expect(whyGone).toMatchObject({
      code: 'INSTANCE_GONE',
      details: { audit: { instance: one, outcome: 'trashed', reason: expect.stringContaining(plan.digest) } },
    });
    const audit = await spica.audit.tail({ limit: 1_000 });
    expect(audit).toContainEqual(expect.objectContaining({ instance: one, action: 'delete_instance' }));
    await spica.instances.restore(other);
    expect((await spica.instances.get(other)).state).toBe('ready');
    await expect(spica.instances.restore('spica-000000000000')).rejects.toMatchObject({
      code: 'NOT_IN_TRASH',
    });
    await expect(spica.execute('0123456789abcdef')).rejects.toMatchObject({
      kind: 'usage',
      code: 'PLAN_UNKNOWN',
    });
  });

  it('measures, and compares lineages', async () => {
    const { spica } = await serve();
    const { instances } = await (await spica.spawn({ count: 2 })).ready();
    const [one, other] = instances;
    const { measured } = await spica.instances.sample([one?.id ?? '']);
    expect(measured).toMatchObject([{ id: one?.id, sample: { inodes: expect.any(Number) } }]);
    const sha = expect.stringMatching(/^[0-9a-f]{64}$/);
    expect(await one?.verify()).toEqual({ id: one?.id, ok: true, reason: null, sha });
    const lineage = join(other?.path ?? '', 'lineage.json');
    await writeFile(lineage, `${await readFile(lineage, 'utf8')} `);
    expect(await other?.verify()).toMatchObject({
      ok: false,
      reason: expect.stringContaining('lineage.json'),
    });
    await expect(spica.instances.verify('spica-000000000000')).rejects.toThrow(InstanceGoneError);
    await expect(spica.instances.sample(['spica-000000000000'])).rejects.toThrow(InstanceGoneError);
    await expect(one?.grow(1e12)).rejects.toMatchObject({ code: 'NOT_CAPPED' });
  });

  it('is answered while a measurement holds all the slots of its queue', async () => {
    const { spica, stack } = await serve();
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    const stalled = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const { listDue } = stack.ctx.catalog;
    replaceListDue(stack, async (...args) => {
      begun.resolve();
      await stalled.promise;
      return listDue(...args);
    });
    const passes = [spica.instances.sample(), spica.instances.sample()];
    await begun.promise;
    expect(await spica.preflight({ count: 1 })).toMatchObject({ verdict: 'admit' });
    stalled.resolve();
    await Promise.all(passes);
    expect(await instances[0]?.verify()).toMatchObject({ ok: true });
  });

  it('follows the audit log, and ends with its signal', async () => {
    const { spica } = await serve();
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    const over = new AbortController();
    const after = (await spica.audit.tail()).at(-1)?.seq ?? 0;
    await instances[0]?.pin('the champion');
    const seen: string[] = [];
    for await (const { action, reason, seq } of spica.audit.follow({ after, signal: over.signal })) {
      expect(seq).toBeGreaterThan(after);
      seen.push(`${action}: ${reason}`);
      if (action === 'pin_instance') over.abort();
    }
    expect(seen.at(-1)).toMatch(/^pin_instance: pinned by .*: the champion$/);
  });

  it('waits no longer than it is told to', async () => {
    const { spica, stack } = await serve();
    const never = new AbortController();
    const aborted = spica.plan({}, { signal: never.signal });
    never.abort(new Error('not any more'));
    await expect(aborted).rejects.toThrow('not any more');
    const never2 = Promise.withResolvers<string[]>();
    replaceListDue(stack, () => never2.promise);
    const timed = spica.instances.sample(null, { timeout: '100ms' });
    await expect(timed).rejects.toMatchObject({ kind: 'timeout', code: 'WAIT_TIMED_OUT' });
    never2.resolve([]);
  });

  it('tells how the pool stands', async () => {
    const { spica } = await serve({ 'pools.main.retention.max_instances': 7 });
    await (await spica.spawn({ count: 2 })).ready();
    expect(await spica.status()).toMatchObject({
      pool: 'main',
      served: true,
      instances: 2,
      maxInstances: 7,
      held: [],
      heldCount: 0,
    });
  });

  it('collects the results of an instance now, and says where they lie', async () => {
    const to = await mkdtemp(join(tmpdir(), 'spica-collected-'));
    onTestFinished(() => rm(to, { recursive: true }));
    const { spica } = await serve({ 'pools.main.collect_to': to });
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    const [{ id, path } = { id: '', path: '' }] = instances;
    await writeFile(join(path, 'result.json'), '{}');
    const { collected, failed } = await spica.instances.collect([id], { patterns: ['result.json'] });
    expect([collected, failed]).toMatchObject([[{ id, files: 1, to: expect.stringContaining(to) }], []]);
    await expect(spica.instances.collect(['spica-000000000000'])).rejects.toThrow(InstanceGoneError);
  });
}
