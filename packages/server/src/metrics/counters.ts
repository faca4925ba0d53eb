interface CounterText {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** What is counted of the workers' work. */
export const COUNTERS = {
  requests: {
    name: 'spica_requests_total',
    help: 'Requests that have ended: completed, rejected or failed, and why',
    labels: ['pool', 'outcome', 'reason'],
  },
  held: { name: 'spica_requests_held_total', help: 'Requests that had to wait', labels: ['pool'] },
  failures: {
    name: 'spica_spawn_failures_total',
    help: 'Spawns that failed for reasons of the host, or of their request or template',
    labels: ['pool', 'cause'],
  },
  clonedBytes: {
    name: 'spica_cloned_bytes_total',
    help: 'Bytes of the snapshots that were cloned: copied, or shared',
    labels: ['pool', 'method'],
  },
  trips: { name: 'spica_breaker_trips_total', help: 'How often the breaker has opened', labels: ['pool'] },
  deletions: {
    name: 'spica_deletions_total',
    help: 'Instances that were deleted, by the rule that took them',
    labels: ['pool', 'rule'],
  },
  deletedBytes: {
    name: 'spica_deleted_bytes_total',
    help: 'Own bytes of instances that were deleted',
    labels: ['pool'],
  },
  expectedBytes: {
    name: 'spica_reclaim_expected_bytes_total',
    help: 'Bytes that were expected back when trash was emptied, where that could be checked',
    labels: ['pool'],
  },
  missingBytes: {
    name: 'spica_reclaim_shortfall_bytes_total',
    help: 'Bytes of these that did not come back',
    labels: ['pool'],
  },
  samples: { name: 'spica_samples_total', help: 'Measurements of instances', labels: ['pool'] },
  sampleErrors: {
    name: 'spica_sample_errors_total',
    help: 'Passes of measurements that failed',
    labels: ['pool'],
  },
  collections: {
    name: 'spica_collections_total',
    help: 'Collections of results that have ended: done, or failed',
    labels: ['pool', 'outcome'],
  },
  collectedBytes: {
    name: 'spica_collected_bytes_total',
    help: 'Bytes of results that were collected',
    labels: ['pool'],
  },
  oversize: {
    name: 'spica_oversize_total',
    help: 'Instances that became larger than max_instance_gb',
    labels: ['pool'],
  },
  caps: { name: 'spica_caps_hit_total', help: 'Instances that came to their caps', labels: ['pool'] },
  notifications: {
    name: 'spica_notifications_total',
    help: 'Notifications that have ended: delivered, or given up',
    labels: ['outcome'],
  },
} as const satisfies Readonly<Record<string, CounterText>>;
export type CounterName = keyof typeof COUNTERS;
