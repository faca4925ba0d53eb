import { access } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { RefusedError, type RequestEvent } from '../../src/index.ts';
import type { ServeClient } from './serve.ts';

/** What a client may rely on of its requests. */
export function testSpawning(serve: ServeClient): void {
  it('brings up instances that are leased while their batch is held, and released at the end of the block', async () => {
    const { spica } = await serve();
    const request = await spica.spawn({ count: 3, params: { LR: 0.1 }, experiment: 'sweep', lease: '1h' });
    const events: RequestEvent[] = [];
    for await (const event of request) events.push(event);
    expect(events.at(-1)).toEqual({ phase: 'ready', reason: '3 spawned', oversize: [] });
    const ids: string[] = [];
    {
      await using batch = await request.ready();
      for (const { id, path, signal, expiresAt } of batch.instances) {
        await access(path);
        expect([signal.aborted, Number(expiresAt) > Date.now() + 3_500_000]).toEqual([false, true]);
        ids.push(id);
      }
      const leases = await Promise.all(ids.map(async (id) => (await spica.instances.get(id)).lease?.inForce));
      expect(leases).toEqual([true, true, true]);
    }
    for (const id of ids) expect((await spica.instances.get(id)).lease).toBeNull();
  });

  it('is rejected with the gate’s code and reason, and tells so as its last event', async () => {
    const { spica } = await serve();
    const request = await spica.spawn({ count: 11 });
    const events = await Array.fromAsync(request);
    expect(events.at(-1)).toMatchObject({ phase: 'rejected', code: 'NEVER_FITS' });
    await expect(request.ready()).rejects.toThrow(RefusedError);
    await expect(request.ready()).rejects.toMatchObject({
      code: 'NEVER_FITS',
      details: { verdict: 'impossible', sum: { bytes: { headroom: expect.any(Number) } } },
    });
  });

  it('says where in the line a request is held, and leaves nothing of it once it was cancelled', async () => {
    const { spica, held } = await serve({
      'pools.main.retention.max_instances': 2,
      'gate.poll_every': '1h',
    });
    await using first = await (await spica.spawn({ count: 2, lease: '1h' })).ready();
    const controller = new AbortController();
    const ahead = await spica.spawn({ count: 1, lease: '1h' });
    await expect.poll(held).toBe(1);
    const request = await spica.spawn({ count: 1, lease: '1h' }, { signal: controller.signal });
    const phases: string[] = [];
    for await (const event of request) {
      phases.push(event.phase);
      if (event.phase !== 'held' || event.position === null) continue;
      expect(event).toMatchObject({ position: 2, reason: expect.stringContaining('1 instance too many') });
      controller.abort();
    }
    expect(phases.at(-1)).toMatch(/rejected|failed/);
    await expect(request.ready()).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
    expect(await ahead.cancel()).toBe('cancelled');
    await expect(ahead.ready()).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
    const left = await Array.fromAsync(spica.instances.list());
    expect(left.map(({ id }) => id).sort()).toEqual(first.instances.map(({ id }) => id).sort());
  });

  it('comes too late with a cancel once the request has completed, and says so', async () => {
    const { spica } = await serve();
    const request = await spica.spawn({ count: 1 });
    const { instances } = await request.ready();
    expect(await request.cancel()).toBe('completed');
    await access(instances[0]?.path ?? '');
  });

  it('submits a request once under its key, and refuses another one under it', async () => {
    const { spica } = await serve();
    const leaseToken = '0'.repeat(32);
    const asked = { count: 1, key: 'sweep/3', lease: '1h', leaseToken };
    const [a, b] = await Promise.all([spica.spawn(asked), spica.spawn(asked)]);
    const batches = await Promise.all([a.ready(), b.ready()]);
    const [one, other] = batches.map(({ instances }) => instances.map(({ id }) => id));
    expect(one).toEqual(other);
    await expect(spica.spawn({ ...asked, count: 2 })).rejects.toMatchObject({ code: 'KEY_REUSED' });
    for (const batch of batches) await batch.release();
  });

  it.each([
    [{ count: 0 }, 'spawn: count: expected a whole number from 1 to 10000, got 0'],
    [{ count: 1.5 }, 'spawn: count: '],
    [{ count: 1, lease: 'soon' }, 'spawn: lease: expected a duration like 30s, 10m, 1h30m or 2d, got "soon"'],
    [{ count: 1, leese: '1h' }, 'spawn: leese: unknown key'],
    [{ count: 1, params: { 'A-B': 1 } }, 'params: expected a name of letters'],
  ])('refuses %j by the field, the value and what was expected', async (asked, message) => {
    const { spica } = await serve();
    await expect(spica.spawn(asked)).rejects.toThrow(message);
    expect(await Array.fromAsync(spica.instances.list())).toEqual([]);
  });

  it('gives whoever submits a request under its key again the same lease, and says whose it is', async () => {
    const { spica } = await serve();
    const asked = { count: 1, key: 'sweep/4', lease: '1h', maxWait: '5m' } as const;
    const [a, b] = [await spica.spawn(asked), await spica.spawn(asked)];
    expect([a.id, a.leaseToken]).toEqual([b.id, b.leaseToken]);
    const inMs = Number(a.expiresAt) - Date.now();
    expect(inMs > 0 && inMs <= 300_000).toBe(true);
    await using batch = await a.ready();
    expect(Number(batch.expiresAt)).toBe(Number(batch.instances[0]?.expiresAt));
    const by = expect.stringMatching(/^.+@.+$/);
    expect(await batch.instances[0]?.view()).toMatchObject({ by, lease: { owner: by } });
    expect(await a.view()).toMatchObject({
      id: a.id,
      state: 'completed',
      request: { by, lease: { ms: 3_600_000 } },
    });
    const other = await spica.spawn({ ...asked, key: 'sweep/5' });
    expect(other.leaseToken).not.toBe(a.leaseToken);
    await (await other.ready()).release();
  });

  it('waits no longer for a request than it is told to, and leaves it its way', async () => {
    const { spica } = await serve({ 'pools.main.retention.max_instances': 1 });
    await using first = await (await spica.spawn({ count: 1, lease: '1h' })).ready();
    const request = await spica.spawn({ count: 1 });
    await expect(request.ready({ timeout: '50ms' })).rejects.toMatchObject({ code: 'WAIT_TIMED_OUT' });
    await expect(request.ready({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    await first.release();
    expect((await request.ready()).instances).toHaveLength(1);
  });
}
