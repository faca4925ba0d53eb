import { countReplicas, type InstanceRecord, newRecord } from '@spica/core';
import type { Prepared } from '@spica/pool';
import type { SpawnPayload } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import type { OpenRequest } from '../gate/state.ts';
import { clonedSize } from '../gatekeeper/need.ts';

/** One instance of an admitted request. */
export interface Spawn {
  readonly id: string;
  readonly of: SpawnPayload;
  readonly open: OpenRequest;
}

/** What is known of an instance when its clone begins. */
export function recordOf(
  ctx: ServedContext,
  { id, of, open }: Spawn,
  prepared: Prepared,
  spawnedAt: number,
): InstanceRecord {
  const { template, by, parent, experiment, labels, lease, ttlMs, replicas } = open.request;
  const { fingerprint, generation, each, expected } = open.admitted;
  return newRecord({
    id,
    pool: ctx.pool.name,
    request: of.request,
    index: of.index,
    template,
    templateVersion: prepared.version,
    fingerprint,
    cloneMethod: ctx.method,
    clonedAt: null,
    cloned: clonedSize(ctx.method, prepared),
    predicted: each,
    expected,
    replicas: replicas === null ? 0 : countReplicas(replicas),
    by,
    parent,
    generation,
    experiment,
    labels,
    spawnedAt,
    lease: lease && {
      owner: lease.owner,
      tokenHash: lease.tokenHash,
      expiresAt: spawnedAt + lease.ms,
      since: spawnedAt,
    },
    lastLeasedAt: lease && spawnedAt,
    ttlMs,
    collect: [...(open.request.collect ?? ctx.policy.templates[template]?.collect ?? [])],
  });
}
