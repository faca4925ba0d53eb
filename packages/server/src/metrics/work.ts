import type { WorkEvent } from '@spica/core';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

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
  const registers = [registry];
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter(
    'spica_requests_total',
    'Requests that have ended: completed, rejected or failed, and why',
    ...['pool', 'outcome', 'reason'],
  );
  const held = counter('spica_requests_held_total', 'Requests that had to wait', 'pool');
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
  const failures = counter(
    'spica_spawn_failures_total',
    'Spawns that failed for reasons of the host, or of their request or template',
    ...['pool', 'cause'],
  );
  const cloned = counter(
    'spica_cloned_bytes_total',
    'Bytes of the snapshots that were cloned: copied, or shared',
    ...['pool', 'method'],
  );
  const trips = counter('spica_breaker_trips_total', 'How often the breaker has opened', 'pool');
  const deletions = counter(
    'spica_deletions_total',
    'Instances that were deleted, by the rule that took them',
    ...['pool', 'rule'],
  );
  const deleted = counter('spica_deleted_bytes_total', 'Own bytes of instances that were deleted', 'pool');
  const expected = counter(
    'spica_reclaim_expected_bytes_total',
    'Bytes that were expected back when trash was emptied, where that could be checked',
    'pool',
  );
  const missing = counter(
    'spica_reclaim_shortfall_bytes_total',
    'Bytes of these that did not come back',
    'pool',
  );
  const samples = counter('spica_samples_total', 'Measurements of instances', 'pool');
  const sampleErrors = counter('spica_sample_errors_total', 'Passes of measurements that failed', 'pool');
  const collections = counter(
    'spica_collections_total',
    'Collections of results that have ended: done, or failed',
    ...['pool', 'outcome'],
  );
  const collectedBytes = counter(
    'spica_collected_bytes_total',
    'Bytes of results that were collected',
    'pool',
  );
  const oversize = counter(
    'spica_oversize_total',
    'Instances that became larger than max_instance_gb',
    'pool',
  );
  const caps = counter('spica_caps_hit_total', 'Instances that came to their caps', 'pool');
  const notifications = counter(
    'spica_notifications_total',
    'Notifications that have ended: delivered, or given up',
    'outcome',
  );
  const broken = new Gauge({
    name: 'spica_audit_chain_broken',
    help: "1 when the audit log's chain did not hold at its last check, else 0; absent before the first",
    registers,
  });
  broken.remove();
  const checked = new Gauge({
    name: 'spica_audit_checked_timestamp_seconds',
    help: "When the audit log's chain was last checked, in seconds since 1970",
    registers,
  });
  checked.remove();
  const gauge = (name: string, help: string, kind: 'leases' | 'pins') =>
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers,
      collect() {
        for (const each of protection()) this.set({ pool: each.pool }, each[kind]);
      },
    });
  gauge('spica_leases', 'Leases in force', 'leases');
  gauge('spica_pins', 'Instances that are pinned', 'pins');

  /** A counter that is absent before its first event hides that one from `increase()`. */
  function begin(pool: string): void {
    const plain = [
      held,
      trips,
      deleted,
      expected,
      missing,
      samples,
      sampleErrors,
      collectedBytes,
      oversize,
      caps,
    ];
    for (const each of plain) each.inc({ pool }, 0);
    for (const cause of ['host', 'request']) failures.inc({ pool, cause }, 0);
    for (const outcome of ['done', 'failed']) collections.inc({ pool, outcome }, 0);
    for (const outcome of ['delivered', 'given-up']) notifications.inc({ outcome }, 0);
    requests.inc({ pool, outcome: 'completed', reason: 'none' }, 0);
  }

  const handlers: Handlers = {
    'request-admitted': ({ pool, waitedMs }) => wait.observe({ pool }, waitedMs / 1_000),
    'request-held': ({ pool }) => held.inc({ pool }),
    'request-ended': ({ pool, outcome, code }) => requests.inc({ pool, outcome, reason: code ?? 'none' }),
    spawned({ pool, method, bytes, ms }) {
      cloned.inc({ pool, method }, bytes);
      spawn.observe({ pool, method }, ms / 1_000);
    },
    'spawn-failed': ({ pool, isOfHost }) => failures.inc({ pool, cause: isOfHost ? 'host' : 'request' }),
    breaker: ({ pool, opened }) => trips.inc({ pool }, opened === null ? 0 : 1),
    deleted({ pool, instances }) {
      for (const { rule, bytes } of instances) {
        deletions.inc({ pool, rule });
        deleted.inc({ pool }, bytes ?? 0);
      }
    },
    reclaimed({ pool, expectedBytes, cameBytes }) {
      expected.inc({ pool }, expectedBytes);
      missing.inc({ pool }, Math.max(0, expectedBytes - cameBytes));
    },
    sampled: ({ pool, instances }) => samples.inc({ pool }, instances),
    'sample-failed': ({ pool }) => sampleErrors.inc({ pool }),
    collected({ pool, bytes }) {
      collections.inc({ pool, outcome: 'done' });
      collectedBytes.inc({ pool }, bytes);
    },
    'collect-failed': ({ pool }) => collections.inc({ pool, outcome: 'failed' }),
    oversize: ({ pool, isAtCap }) => (isAtCap ? caps : oversize).inc({ pool }),
    'audit-checked'({ problems }) {
      broken.set(problems.length > 0 ? 1 : 0);
      checked.setToCurrentTime();
    },
    notified: ({ outcome }) => notifications.inc({ outcome }),
  };
  return { begin, count: (event: WorkEvent) => handlers[event.kind]?.(event as never) };
}
