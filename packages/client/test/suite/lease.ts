import { newLeaseToken } from '@spica/catalog';
import { expect, it } from 'vitest';
import { type Batch, LeaseLostError } from '../../src/index.ts';
import type { Serve, Served } from './serve.ts';

/** What a client may rely on of its leases. */
export function testLeases(serve: Serve): void {
  /** One instance with a short lease, held. */
  async function hold(
    lease: string,
    settings = {},
  ): Promise<Served & { batch: Batch; lost: LeaseLostError[] }> {
    const served = await serve(settings);
    const lost: LeaseLostError[] = [];
    served.spica.on('lease-lost', (error) => lost.push(error));
    const batch = await (await served.spica.spawn({ count: 1, lease })).ready();
    return { ...served, batch, lost };
  }

  it('is renewed long before it ends, for as long as it is held', async () => {
    const { batch, stack, lost } = await hold('1500ms');
    const [instance] = batch.instances;
    const endsAt = () => Number(instance?.expiresAt);
    const first = endsAt();
    await expect.poll(endsAt).toBeGreaterThan(first + 1_500);
    const known = await stack.ctx.catalog.get(instance?.id ?? '');
    expect(known?.record.lease?.expiresAt).toBeGreaterThanOrEqual(first + 1_500);
    expect([instance?.signal.aborted, lost]).toEqual([false, []]);
    await batch.release();
    expect((await stack.ctx.catalog.get(instance?.id ?? ''))?.record.lease).toBeNull();
  });

  it('lives through a restart of Redis', async () => {
    const { batch, server, lost } = await hold('30s');
    const [instance] = batch.instances;
    await server.kill();
    await server.restart();
    const before = Number(instance?.expiresAt);
    await expect.poll(() => Number(instance?.expiresAt)).toBeGreaterThan(before);
    expect([instance?.signal.aborted, lost]).toEqual([false, []]);
    await batch.release();
  });

  it('is lost when it runs out while Redis is away: whoever works in it hears of it', async () => {
    const { batch, server, lost } = await hold('2s');
    const [instance] = batch.instances;
    await server.kill();
    await expect.poll(() => instance?.signal.aborted).toBe(true);
    expect(instance?.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(lost).toMatchObject([{ code: 'LEASE_EXPIRED', instance: instance?.id }]);
    await server.restart();
    await batch.release(); // has nothing to release, and takes nobody else's
  });

  it('is lost when somebody takes it by force, and is not taken back', async () => {
    const { batch, stack, lost } = await hold('3s');
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

  it('is taken on any instance, refused while another has it, and released', async () => {
    const { spica, stack } = await serve();
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    const id = instances[0]?.id ?? '';
    const lease = await spica.instances.lease(id, { lease: '1h' });
    await expect(spica.instances.lease(id, { lease: '1h' })).rejects.toMatchObject({
      code: 'INSTANCE_LEASED',
    });
    await lease.release();
    expect((await stack.ctx.catalog.get(id))?.record.lease).toBeNull();
    await expect(spica.instances.lease('spica-000000000000', { lease: '1h' })).rejects.toMatchObject({
      code: 'INSTANCE_UNKNOWN',
    });
  });
}
