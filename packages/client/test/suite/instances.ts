import { expect, it } from 'vitest';
import { InstanceGoneError } from '../../src/index.ts';
import type { ServeClient } from './serve.ts';

/** What a client may rely on of the instances of a pool. */
export function testInstances(serve: ServeClient): void {
  it('lists those that are asked for, in the order that is asked for', async () => {
    const { spica } = await serve();
    const a = await (await spica.spawn({ count: 2, experiment: 'a', labels: { stage: 'tune' } })).ready();
    const b = await (await spica.spawn({ count: 1, experiment: 'b' })).ready();
    const [first, second] = a.instances;
    await first?.score(0.5);
    await second?.score(0.9);
    const ids = async (options = {}) =>
      (await Array.fromAsync(spica.instances.list(options))).map(({ id }) => id);
    expect(await ids()).toHaveLength(3);
    expect(await ids({ experiment: 'b' })).toEqual(b.instances.map(({ id }) => id));
    expect(await ids({ labels: { stage: 'tune' }, sort: 'score' })).toEqual([second?.id, first?.id]);
    expect(await ids({ sort: 'score' })).toEqual([second?.id, first?.id, b.instances[0]?.id]);
    expect(await ids({ state: 'deleting' })).toEqual([]);
    await expect(ids({ sort: 'colour' })).rejects.toThrow('list: sort: ');
  });

  it('says of an instance what is known, and that it is gone when it is', async () => {
    const { spica } = await serve();
    const { instances } = await (await spica.spawn({ count: 1, notes: 'n' })).ready();
    const id = instances[0]?.id ?? '';
    await spica.instances.pin(id, 'the champion');
    expect(await spica.instances.get(id)).toMatchObject({ id, state: 'ready', pin: { why: 'the champion' } });
    await spica.instances.unpin(id);
    await spica.instances.score(id, 0.93);
    expect(await spica.instances.get(id)).toMatchObject({ pin: null, score: 0.93 });
    const unknown = 'spica-000000000000';
    await expect(spica.instances.get(unknown)).rejects.toThrow(InstanceGoneError);
    await expect(spica.instances.score(unknown, 1)).rejects.toMatchObject({ code: 'INSTANCE_UNKNOWN' });
  });

  it('says what keeps each of them, until when, and when it would go', async () => {
    const { spica } = await serve();
    const held = await (await spica.spawn({ count: 1, lease: '1h' })).ready();
    const { instances } = await (await spica.spawn({ count: 2 })).ready();
    const [pinned, free] = instances;
    await pinned?.pin('the champion');
    const keptBy = async (id = '') => (await spica.instances.get(id)).keptBy;
    expect(await keptBy(held.instances[0]?.id)).toMatch(
      /^leased by .+ until 20.+; goes for its age after 20/,
    );
    expect(await keptBy(pinned?.id)).toMatch(/^pinned by .+: the champion$/);
    expect(await keptBy(free?.id)).toMatch(/^.+ old, within the limits; goes for its age after 20/);
    const views = await Array.fromAsync(spica.instances.list());
    expect(views.find(({ id }) => id === pinned?.id)?.goesAt).toBeNull();
    const goesAt = views.find(({ id }) => id === free?.id)?.goesAt ?? '';
    expect(Date.parse(goesAt)).toBeGreaterThan(Date.now());
    await held.release();
  });
}
