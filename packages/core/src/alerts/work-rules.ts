import type { Config, PoolConfig } from '../config/config.ts';
import { heldTooLongMs } from '../observe/work-event.ts';
import { formatDuration } from '../units/duration.ts';
import type { RuleText } from './rule.ts';

const HOUR_MS = 3_600_000;
/** Measuring may be set to be rarer than hourly: so many passes must have been left out. */
const PASSES = 3;

/** The alerts of what a pool's workers do, by name. */
export function workRules(pool: PoolConfig, config: Config): Readonly<Record<string, RuleText>> {
  const { name } = pool;
  const heldMs = heldTooLongMs(config.gate);
  const { failures } = config.gate.breaker;
  const sampleMs = Math.max(HOUR_MS, PASSES * config.sample.everyMs);
  const of = (metric: string, more = '') => `${metric}{pool="${name}"${more}}`;
  const age = of('spica_schedule_age_seconds', ',schedule="sample"');
  return {
    SpicaHeldTooLong: {
      expr: `max by (pool) (${of('spica_oldest_held_seconds')}) > ${heldMs / 1_000}`,
      for: '1m',
      severity: 'warning',
      summary: `Pool ${name}: a request waits for too long`,
      description: `The longest has waited for {{ $value | humanizeDuration }}; after ${formatDuration(config.gate.maxWaitMs)} (gate.max_wait) it is rejected.`,
    },
    SpicaSpawnFailures: {
      expr: [
        `sum by (pool) (increase(${of('spica_spawn_failures_total', ',cause="host"')}[1h])) > ${failures - 0.5}`,
        `or max by (pool) (${of('spica_breaker_open')}) == 1`,
      ].join('\n'),
      severity: 'critical',
      summary: `Pool ${name}: spawns fail for reasons of the host`,
      description: `At least ${failures} spawns failed within an hour, or the breaker holds every request.`,
    },
    SpicaNoSample: {
      expr: [
        `max by (pool) (${age}) > ${sampleMs / 1_000}`,
        `or (min by (pool) (${of('spica_up')} offset 1h) == 1 unless on (pool) max by (pool) (last_over_time(${age}[1h])))`,
      ].join('\n'),
      for: '5m',
      severity: 'warning',
      summary: `Pool ${name}: instances were not measured for ${formatDuration(sampleMs)}`,
      description: 'Decisions are made by sizes that are out of date.',
    },
    SpicaWorkerGone: {
      expr: `min by (pool) (${of('spica_queue_workers')}) == 0\nor absent(${of('spica_up')})`,
      for: '5m',
      severity: 'critical',
      summary: `Pool ${name}: nobody serves it`,
      description:
        'A queue has no worker, or nothing answers for the pool: requests wait, and nothing is deleted.',
    },
    SpicaUnseen: {
      expr: [
        `max by (pool) (${of('spica_up')}) == 0`,
        `or (max by (pool) (${of('spica_up')}) == 1 unless on (pool) ${of('spica_available_bytes')})`,
      ].join('\n'),
      for: '5m',
      severity: 'critical',
      summary: `Pool ${name}: it cannot be looked at`,
      description: 'Redis is out of reach, or the disk does not answer: how full it is is not known.',
    },
    SpicaCapHit: {
      expr: `max by (pool) (${of('spica_instances_at_cap')}) > 0`,
      severity: 'warning',
      summary: `Pool ${name}: instances are at their caps`,
      description: 'The kernel refuses what {{ $value }} of its instances write.',
    },
    ...(pool.disk.maxInstanceGb === null
      ? {}
      : {
          SpicaOversize: {
            expr: `sum by (pool) (increase(${of('spica_oversize_total')}[1h])) > 0`,
            severity: 'warning',
            summary: `Pool ${name}: instances are larger than max_instance_gb`,
            description: `Within the last hour an instance became larger than ${pool.disk.maxInstanceGb} GB.`,
          },
        }),
    ...(pool.collectTo === null
      ? {}
      : {
          SpicaCollectFails: {
            expr: `sum by (pool) (increase(${of('spica_collections_total', ',outcome="failed"')}[1h])) > 0`,
            severity: 'warning',
            summary: `Pool ${name}: results could not be collected`,
            description: 'Instances whose results are not collected are kept, and take room.',
          },
        }),
  };
}

/** The alerts of a process, whatever its pools. */
export const PROCESS_RULES: Readonly<Record<string, RuleText>> = {
  SpicaAuditChainBroken: {
    expr: 'max by (instance) (last_over_time(spica_audit_chain_broken[15m])) == 1',
    severity: 'critical',
    summary: "The audit log's chain does not hold",
    description: 'A line of it was changed, removed or moved: `spica audit verify` says where.',
  },
  SpicaNotificationsLost: {
    expr: 'sum by (instance) (increase(spica_notifications_total{outcome="given-up"}[1h])) > 0',
    severity: 'warning',
    summary: 'Notifications could not be delivered',
    description: '{{ $value | humanize }} notifications were given up within the last hour.',
  },
};
