import { QUEUE_NAMES } from '@spica/queues';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { PoolFigures } from '../figures.ts';

/** One pool's figures, or null where it could not be looked at. */
export interface PoolReading {
  readonly pool: string;
  readonly maxInstances: number;
  readonly figures: PoolFigures | null;
}

export interface Gauges {
  /** All gauges and the process's own metrics in Prometheus text, with these readings and no older ones. */
  render(readings: readonly PoolReading[], now: number): Promise<string>;
  readonly contentType: string;
}

/** The gauges, in a registry of their own: what else runs in this process has its own. */
export function createGauges(version: string): Gauges {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  const perPool = ['pool'] as const;
  const build = gauge('spica_build_info', 'Always 1; the label says which version runs', ['version']);
  const up = gauge('spica_up', '1 when the pool could be looked at for this scrape', perPool);
  const jobs = gauge('spica_queue_jobs', 'Jobs in a queue by state', ['pool', 'queue', 'state']);
  const workers = gauge('spica_queue_workers', 'Workers connected to a queue', ['pool', 'queue']);
  const instances = gauge('spica_instances', 'Instances, in flight or ready', perPool);
  const most = gauge('spica_max_instances', 'Instances that the policy allows', perPool);
  const reserved = gauge('spica_reserved_bytes', 'Bytes promised to requests and not used yet', perPool);
  const growth = gauge('spica_growth_bytes', 'Bytes that live instances are still expected to add', perPool);
  const available = gauge(
    'spica_available_bytes',
    'Bytes that an unprivileged process can still use',
    perPool,
  );
  const floor = gauge('spica_floor_bytes', 'Free bytes that admitted work may never take', perPool);
  const inodes = gauge('spica_free_inodes', 'Free inodes; absent where the filesystem has no limit', perPool);
  const held = gauge('spica_held_requests', 'Requests that the gate holds', perPool);
  const oldest = gauge(
    'spica_oldest_held_seconds',
    'How long the longest held request waits; 0 if none',
    perPool,
  );
  const all = [up, jobs, workers, instances, most, reserved, growth, available, floor, inodes, held, oldest];
  build.set({ version }, 1);

  function show({ pool, maxInstances, figures }: PoolReading, now: number): void {
    up.set({ pool }, figures ? 1 : 0);
    most.set({ pool }, maxInstances);
    if (!figures) return;
    for (const queue of QUEUE_NAMES) {
      workers.set({ pool, queue }, figures.queues[queue].workers);
      for (const [state, n] of Object.entries(figures.queues[queue].jobs))
        jobs.set({ pool, queue, state }, n);
    }
    instances.set({ pool }, figures.instances);
    reserved.set({ pool }, figures.reserved.bytes);
    growth.set({ pool }, figures.growthBytes);
    held.set({ pool }, figures.held.requests);
    const { oldestAt } = figures.held;
    oldest.set({ pool }, oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1_000);
    if ('problem' in figures.disk) return;
    const { space, floor: least } = figures.disk;
    available.set({ pool }, space.availableBytes);
    floor.set({ pool }, least.bytes);
    if (space.freeInodes !== null) inodes.set({ pool }, space.freeInodes);
  }

  return {
    contentType: registry.contentType,
    render(readings, now) {
      for (const each of all) each.reset();
      for (const reading of readings) show(reading, now);
      return registry.metrics();
    },
  };
}
