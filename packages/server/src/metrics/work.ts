import type { WorkEvent } from '@spica/core';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { COUNTERS, type CounterName } from './counters.ts';

/** What the workers of this process do, where it has some. */
export interface ServedWork {
  /** Calls back with what they do from now on. */
  on(listener: (event: WorkEvent) => void): () => void;
  /** Leases in force and pins of each pool that is served here. */
  protection(): readonly { readonly pool: string; readonly leases: number; readonly pins: number }[];
}

/** Seconds: a request may wait for an hour and more. */
const WAITS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1_800, 3_600];
/** Seconds: a snapshot takes milliseconds, a set-up minutes. */
const SPAWNS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Adds what is counted as it happens, in the process whose workers do it, and counts from now on. */
export function addWork(registry: Registry, work: ServedWork, pools: readonly string[]): void {
  const metrics = createWorkMetrics(registry, () => work.protection());
  for (const pool of pools) metrics.begin(pool);
  work.on(metrics.count);
}

/** What is not here is not counted: gauges say it, or it is only told. */
type Handlers = {
  readonly [Kind in WorkEvent['kind']]?: (event: Extract<WorkEvent, { readonly kind: Kind }>) => void;
};

function createWorkMetrics(registry: Registry, protection: ServedWork['protection']) {
  addProtection(registry, protection);
  const counters = createCounters(registry);
  const { wait, spawn } = createHistograms(registry);
  const { broken, checked } = createAuditGauges(registry);
  const { requests, deletions, collections, failures, notifications } = counters;

  const handlers: Handlers = {
    'request-admitted': ({ pool, waitedMs }) => wait.observe({ pool }, waitedMs / 1_000),
    'request-held': ({ pool }) => counters.held.inc({ pool }),
    'request-ended': ({ pool, outcome, code }) => requests.inc({ pool, outcome, reason: code ?? 'none' }),
    spawned({ pool, method, bytes, ms }) {
      counters.clonedBytes.inc({ pool, method }, bytes);
      spawn.observe({ pool, method }, ms / 1_000);
    },
    'spawn-failed': ({ pool, isOfHost }) => failures.inc({ pool, cause: isOfHost ? 'host' : 'request' }),
    breaker: ({ pool, opened }) => counters.trips.inc({ pool }, opened === null ? 0 : 1),
    deleted({ pool, instances }) {
      for (const { rule, bytes } of instances) {
        deletions.inc({ pool, rule });
        counters.deletedBytes.inc({ pool }, bytes ?? 0);
      }
    },
    reclaimed({ pool, expectedBytes, cameBytes }) {
      counters.expectedBytes.inc({ pool }, expectedBytes);
      counters.missingBytes.inc({ pool }, Math.max(0, expectedBytes - cameBytes));
    },
    sampled: ({ pool, instances }) => counters.samples.inc({ pool }, instances),
    'sample-failed': ({ pool }) => counters.sampleErrors.inc({ pool }),
    collected({ pool, bytes }) {
      collections.inc({ pool, outcome: 'done' });
      counters.collectedBytes.inc({ pool }, bytes);
    },
    'collect-failed': ({ pool }) => collections.inc({ pool, outcome: 'failed' }),
    oversize: ({ pool, isAtCap }) => (isAtCap ? counters.caps : counters.oversize).inc({ pool }),
    'audit-checked'({ problems }) {
      broken.set(problems.length > 0 ? 1 : 0);
      checked.setToCurrentTime();
    },
    notified: ({ outcome }) => notifications.inc({ outcome }),
  };
  return {
    begin: (pool: string) => beginAtZero(counters, pool),
    count: (event: WorkEvent) => handlers[event.kind]?.(event as never),
  };
}

type Counters = Readonly<Record<CounterName, Counter>>;

function createCounters(registry: Registry): Counters {
  const entries = Object.entries(COUNTERS).map(([key, { name, help, labels }]) => {
    return [key, new Counter({ name, help, labelNames: [...labels], registers: [registry] })];
  });
  return Object.fromEntries(entries) as Counters;
}

/** A counter that is absent before its first event hides that one from `increase()`. */
function beginAtZero(counters: Counters, pool: string): void {
  for (const key of Object.keys(COUNTERS) as CounterName[]) {
    if (COUNTERS[key].labels.join() === 'pool') counters[key].inc({ pool }, 0);
  }
  for (const cause of ['host', 'request']) counters.failures.inc({ pool, cause }, 0);
  for (const outcome of ['done', 'failed']) counters.collections.inc({ pool, outcome }, 0);
  for (const outcome of ['delivered', 'given-up']) counters.notifications.inc({ outcome }, 0);
  counters.requests.inc({ pool, outcome: 'completed', reason: 'none' }, 0);
}

function createHistograms(registry: Registry) {
  const registers = [registry];
  const wait = new Histogram({
    name: 'spica_request_wait_seconds',
    help: 'From the submission of a request to its admission',
    labelNames: ['pool'],
    buckets: WAITS,
    registers,
  });
  const spawn = new Histogram({
    name: 'spica_spawn_seconds',
    help: 'To bring up one instance, with its set-up, once its job has begun',
    labelNames: ['pool', 'method'],
    buckets: SPAWNS,
    registers,
  });
  return { wait, spawn };
}

function createAuditGauges(registry: Registry) {
  const registers = [registry];
  const broken = new Gauge({
    name: 'spica_audit_chain_broken',
    help: "1 when the audit log's chain did not hold at its last check, else 0; absent before the first",
    registers,
  });
  const checked = new Gauge({
    name: 'spica_audit_checked_timestamp_seconds',
    help: "When the audit log's chain was last checked, in seconds since 1970",
    registers,
  });
  for (const each of [broken, checked]) each.remove(); // without labels it would be 0
  return { broken, checked };
}

function addProtection(registry: Registry, protection: ServedWork['protection']): void {
  const gauge = (name: string, help: string, kind: 'leases' | 'pins') =>
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers: [registry],
      collect() {
        for (const each of protection()) this.set({ pool: each.pool }, each[kind]);
      },
    });
  gauge('spica_leases', 'Leases in force', 'leases');
  gauge('spica_pins', 'Instances that are pinned', 'pins');
}
