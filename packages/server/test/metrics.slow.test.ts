import { createCatalog } from '@spica/catalog';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../src/index.ts';
import { aGate, heldSince, openPool, serve, startRedis, submitEight, type TestRedis } from './served.ts';

/** `name{label="value",…}` → figure, of Prometheus text. */
function parse(text: string): Map<string, number> {
  const figures = new Map<string, number>();
  for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
    const [, name, figure] = /^([a-z0-9_]+(?:\{[^}]*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`not Prometheus text: ${line}`);
    figures.set(name, Number(figure));
  }
  return figures;
}

const NOW = 100 * 3_600_000;

/** A disk that loses 1 GB an hour and has 61 GB left, as seen every quarter of an hour. */
function filling(now: number) {
  return Array.from({ length: 12 }, (_, i) => {
    const hoursAgo = (11 - i) / 4;
    const rest = { instancesBytes: 0, trashBytes: 0, templatesBytes: 0, othersBytes: 0 };
    const spoken = { growthBytes: 0, reservedBytes: 0, hostAvailableBytes: null };
    return { at: now - hoursAgo * 3_600_000, availableBytes: 61e9 + hoursAgo * 1e9, ...rest, ...spoken };
  });
}

describe('/metrics', () => {
  let redis: TestRedis;
  let server: Server;
  const scrape = async () => {
    const response = await fetch(new URL('/metrics', server.url));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    return parse(await response.text());
  };

  beforeAll(async () => {
    redis = await startRedis();
    const unlimited = { availableBytes: 5e9, totalBytes: 9e9, freeInodes: null, totalInodes: null };
    const main = openPool('main', redis.redis);
    const btrfs = openPool('btrfs', redis.redis, async () => unlimited);
    const away = openPool('away', redis.redis, async () => Promise.reject(new Error('not mounted')));
    await submitEight(main);
    await main.queues.gate.add('later', {}, { delay: 1e6 });
    const reserved = { bytes: 3e9, inodes: 30, slots: 3 };
    const held = [heldSince('req-1', NOW - 120_000), heldSince('req-2', NOW - 60_000)];
    const gate = aGate({ reserved, growth: { bytes: 2e9, inodes: 5 }, held });
    await main.catalog.publishGate(gate, gate);
    await main.catalog.savePressure({ level: 'low', since: 0, at: 0, reason: null });
    await createCatalog({ redis: redis.redis, pool: 'main' }).noteRun('prune', NOW - 90_000);
    await main.catalog.saveDiskHistory(filling(NOW));
    server = await serve(redis.redis, [main, btrfs, away], { clock: { now: () => NOW } });
  });
  afterAll(async () => {
    await server.close();
    await redis.close();
  });

  it('gives the figures of each pool as they are when it is asked', async () => {
    const figures = await scrape();
    expect(Object.fromEntries([...figures].filter(([name]) => name.includes('pool="main"')))).toMatchObject({
      'spica_up{pool="main"}': 1,
      'spica_schedule_age_seconds{pool="main",schedule="prune"}': 90,
      'spica_queue_jobs{pool="main",queue="gate",state="waiting"}': 1,
      'spica_queue_jobs{pool="main",queue="gate",state="delayed"}': 1,
      'spica_queue_jobs{pool="main",queue="spawn",state="waiting"}': 0,
      'spica_queue_workers{pool="main",queue="gate"}': 0,
      'spica_instances{pool="main"}': 0,
      'spica_max_instances{pool="main"}': 12,
      'spica_reserved_bytes{pool="main"}': 3e9,
      'spica_growth_bytes{pool="main"}': 2e9,
      'spica_available_bytes{pool="main"}': 61e9,
      'spica_floor_bytes{pool="main"}': 20e9,
      'spica_free_inodes{pool="main"}': 900,
      'spica_floor_reached_seconds{pool="main"}': 41 * 3_600,
      'spica_pressure{pool="main",level="ok"}': 0,
      'spica_pressure{pool="main",level="low"}': 1,
      'spica_held_requests{pool="main"}': 2,
      'spica_oldest_held_seconds{pool="main"}': 120,
    });
    expect(figures.get('spica_build_info{version="1.2.3"}')).toBe(1);
    expect(figures.get('process_resident_memory_bytes')).toBeGreaterThan(0);
    const { catalog } = openPool('main', redis.redis);
    const gate = aGate({ held: [heldSince('req-2', NOW - 60_000)] });
    await catalog.publishGate(gate, gate);
    expect((await scrape()).get('spica_oldest_held_seconds{pool="main"}')).toBe(60);
  });

  it('leaves out what there is not: a limit of inodes, a trend, a disk that cannot be looked at', async () => {
    const figures = await scrape();
    expect(figures.get('spica_available_bytes{pool="btrfs"}')).toBe(5e9);
    expect(figures.has('spica_free_inodes{pool="btrfs"}')).toBe(false);
    expect(figures.has('spica_floor_reached_seconds{pool="btrfs"}')).toBe(false);
    expect(figures.get('spica_up{pool="away"}')).toBe(1);
    expect(figures.has('spica_available_bytes{pool="away"}')).toBe(false);
  });

  it('reads no more of 100,000 instances than their number', async () => {
    const sent = async () =>
      Number(/total_net_output_bytes:(\d+)/.exec(await redis.redis.info('stats'))?.[1]);
    const ids = Array.from({ length: 100_000 }, (_, i) => [i, `spica-${i.toString(16).padStart(12, '0')}`]);
    for (let start = 0; start < ids.length; start += 10_000) {
      await redis.redis.zadd('{spica:main}:catalog:instances', ...ids.slice(start, start + 10_000).flat());
    }
    const before = await sent();
    const figures = await scrape();
    expect(figures.get('spica_instances{pool="main"}')).toBe(100_000);
    expect((await sent()) - before).toBeLessThan(100_000); // an id each would be two million bytes
    await redis.redis.del('{spica:main}:catalog:instances');
  });

  it('says that pools are out of reach while Redis hangs, with no stale figures, and still tells of the process', async () => {
    await scrape();
    redis.signal('SIGSTOP');
    const figures = await scrape();
    redis.signal('SIGCONT');
    expect(figures.get('spica_up{pool="main"}')).toBe(0);
    expect([...figures.keys()].filter((name) => name.startsWith('spica_queue_jobs'))).toEqual([]);
    expect(figures.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});
