import { type DiskPoint, PRESSURE_LEVELS } from '@spica/core';
import { QUEUE_NAMES } from '@spica/queues';
import { Gauge, type Registry } from 'prom-client';
import type { PoolFigures } from '../figures.ts';
import { POOL_GAUGES } from './per-pool.ts';

/** One pool's figures, or null where it could not be looked at. */
export interface PoolReading {
  readonly pool: string;
  readonly maxInstances: number;
  readonly figures: PoolFigures | null;
}

/** Who uses the disk, as `spica_disk_use_bytes` calls them. */
const USES: Readonly<Record<string, (use: DiskPoint) => number>> = {
  instances: ({ instancesBytes }) => instancesBytes,
  trash: ({ trashBytes }) => trashBytes,
  templates: ({ templatesBytes }) => templatesBytes,
  others: ({ othersBytes }) => othersBytes,
};

/** Adds what is read when it is asked for. Call the result with new readings: older ones are gone then. */
export function addGauges(
  registry: Registry,
  version: string,
): (readings: readonly PoolReading[], now: number) => void {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });

  gauge('spica_build_info', 'Always 1; the label says which version runs', 'version').set({ version }, 1);
  const up = gauge('spica_up', '1 when the pool could be looked at for this scrape', 'pool');
  const most = gauge('spica_max_instances', 'Instances that the policy allows', 'pool');
  const jobs = gauge('spica_queue_jobs', 'Jobs in a queue by state', 'pool', 'queue', 'state');
  const workers = gauge('spica_queue_workers', 'Workers connected to a queue', 'pool', 'queue');
  const pressure = gauge('spica_pressure', '1 for the level of pressure on the disk', 'pool', 'level');
  const age = gauge(
    'spica_schedule_age_seconds',
    'How long ago what repeats was last done',
    'pool',
    'schedule',
  );
  const use = gauge(
    'spica_disk_use_bytes',
    'Who uses the disk: instances as last measured, trash, templates, and all others',
    'pool',
    'use',
  );
  const perPool = POOL_GAUGES.map(({ name, help, read }) => ({ gauge: gauge(name, help, 'pool'), read }));
  const all = [up, most, jobs, workers, pressure, age, use, ...perPool.map((each) => each.gauge)];

  function show({ pool, maxInstances, figures }: PoolReading, now: number): void {
    up.set({ pool }, figures ? 1 : 0);
    most.set({ pool }, maxInstances);
    if (!figures) return;
    for (const queue of QUEUE_NAMES) {
      const { jobs: byState, workers: connected } = figures.queues[queue];
      if (connected !== null) workers.set({ pool, queue }, connected);
      for (const [state, count] of Object.entries(byState)) jobs.set({ pool, queue, state }, count);
    }
    if (figures.pressure) {
      for (const level of PRESSURE_LEVELS) pressure.set({ pool, level }, level === figures.pressure ? 1 : 0);
    }
    for (const [schedule, at = now] of Object.entries(figures.lastRuns)) {
      age.set({ pool, schedule }, Math.max(0, now - at) / 1_000);
    }
    for (const [who, read] of Object.entries(USES)) {
      if (figures.use) use.set({ pool, use: who }, read(figures.use));
    }
    for (const each of perPool) {
      const figure = each.read(figures, now);
      if (figure !== null) each.gauge.set({ pool }, figure);
    }
  }

  return (readings, now) => {
    for (const each of all) each.reset();
    for (const reading of readings) show(reading, now);
  };
}
