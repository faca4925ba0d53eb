import { expect, it } from 'vitest';
import { hold } from './hold.ts';
import type { ServeClient } from './serve.ts';

/** What a client may rely on of its leases. */
export function testLeases(serve: ServeClient): void {
  it('is renewed long before it ends, for as long as it is held', async () => {
    const { batch, spica, lost } = await hold(serve, '6s');
    const [instance] = batch.instances;
    const endsAt = () => Number(instance?.expiresAt);
    const first = endsAt();
    await expect.poll(endsAt).toBeGreaterThan(first + 6_000);
    const { lease } = await spica.instances.get(instance?.id ?? '');
    expect(Date.parse(lease?.expiresAt ?? '')).toBeGreaterThan(first + 6_000);
    expect([instance?.signal.aborted, lost]).toEqual([false, []]);
    await batch.release();
    expect((await spica.instances.get(instance?.id ?? '')).lease).toBeNull();
  });

  it('is taken on any instance, refused while another has it, and released', async () => {
    const { spica } = await serve();
    const { instances } = await (await spica.spawn({ count: 1 })).ready();
    const id = instances[0]?.id ?? '';
    const lease = await spica.instances.lease(id, { lease: '1h' });
    await expect(spica.instances.lease(id, { lease: '1h' })).rejects.toMatchObject({
      code: 'INSTANCE_LEASED',
    });
    await lease.release();
    expect((await spica.instances.get(id)).lease).toBeNull();
    await expect(spica.instances.lease('spica-000000000000', { lease: '1h' })).rejects.toMatchObject({
      code: 'INSTANCE_UNKNOWN',
    });
  });
}
