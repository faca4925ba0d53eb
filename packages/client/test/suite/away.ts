import { newLeaseToken } from '@spica/catalog';
import { expect, it } from 'vitest';
import { LeaseLostError } from '../../src/index.ts';
import { hold } from './hold.ts';
import type { Serve } from './serve.ts';

/** What a client may rely on while Redis is away, and when others act on the same pool. */
export function testAway(serve: Serve): void {
  it('waits for a request, and follows it, while Redis is away and after that', async () => {
    const { spica, server, held } = await serve({
      'pools.main.retention.max_instances': 1,
      'gate.poll_every': '1s',
    });
    const first = await (await spica.spawn({ count: 1, lease: '1h' })).ready();
    const request = await spica.spawn({ count: 1 });
    const ready = request.ready();
    const followed = Array.fromAsync(request);
    await expect.poll(held).toBe(1);
    await server.kill();
    await expect
      .poll(() =>
        spica.status().then(
          () => 'here',
          ({ kind }) => kind,
        ),
      )
      .toBe('unreachable');
    await server.restart();
    await expect
      .poll(() =>
        first.release().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    expect((await ready).instances).toHaveLength(1);
    expect((await followed).at(-1)).toMatchObject({ phase: 'ready' });
  });

  it('lives through a restart of Redis', async () => {
    const { batch, server, lost } = await hold(() => serve({}), '30s');
    const [instance] = batch.instances;
    await server.kill();
    await server.restart();
    const before = Number(instance?.expiresAt);
    await expect.poll(() => Number(instance?.expiresAt)).toBeGreaterThan(before);
    expect([instance?.signal.aborted, lost]).toEqual([false, []]);
    await batch.release();
  });

  it('is lost when it runs out while Redis is away: whoever works in it hears of it', async () => {
    const { batch, server, lost } = await hold(() => serve({}), '2s');
    const [instance] = batch.instances;
    await server.kill();
    await expect.poll(() => instance?.signal.aborted).toBe(true);
    expect(instance?.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(lost).toMatchObject([{ code: 'LEASE_EXPIRED', instance: instance?.id }]);
    await server.restart();
    await batch.release(); // has nothing to release, and takes nobody else's
  });

  it('is lost when somebody takes it by force, and is not taken back', async () => {
    const { batch, stack, lost } = await hold(serve, '9s');
    const [instance] = batch.instances;
    const id = instance?.id ?? '';
    const now = Date.now();
    const theirs = { owner: 'eve', token: newLeaseToken(), expiresAt: now + 3_600_000, now, force: true };
    await stack.ctx.catalog.lease(id, theirs);
    await expect.poll(() => instance?.signal.aborted).toBe(true);
    expect(lost).toMatchObject([
      { code: 'LEASE_TAKEN', message: expect.stringContaining('eve has taken it') },
    ]);
    await batch.release();
    expect((await stack.ctx.catalog.get(id))?.record.lease?.owner).toBe('eve');
  });
}
