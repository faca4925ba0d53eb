import {
  expectSize,
  type FilesystemTotals,
  growthOf,
  Ledger,
  type LedgerInstance,
  type NeedInput,
} from '@spica/core';
import type { Checks } from './checks.ts';
import { HOST } from './scenario.ts';
import type { Instance, Request, Store } from './store.ts';
import type { World } from './world.ts';

/** What the parts of a worker share that serve one pool. The ledger is in memory: it dies with the worker. */
export interface Serving {
  readonly world: World;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly checks: Checks;
}

/** A new worker begins to serve a pool: removes what the last one left half done, and builds the ledger anew. */
export function beginServing(
  { world, store, checks }: Omit<Serving, 'ledger'>,
  filesystem: FilesystemTotals,
): Serving {
  const ledger = new Ledger(filesystem);
  store.writings.clear();
  for (const { id, state } of store.instances.values()) {
    if (state !== 'deleting') continue;
    world.between();
    store.instances.delete(id);
  }
  for (const instance of store.instances.values()) ledger.count(instance.id, countedAs(instance, world));
  for (const request of store.requests.values()) {
    if (request.step !== 'admitted' || request.admitted === null) continue;
    const missing = request.finals.length - store.instancesOf(request).length;
    ledger.reserve(request.id, request.admitted.each, missing);
  }
  return { world, store, ledger, checks };
}

/** What a request needs, by what was measured so far. */
export function needOf(store: Store, { template, experiment, finals }: Request): NeedInput {
  const own = experiment === null ? null : store.profile(`experiment:${experiment}`);
  const expected = expectSize({
    clone: template.clone,
    snapshot: template.clone,
    priorFactor: HOST.priorFactor,
    template: store.profile(`template:${template.name}`),
    experiment: own && experiment !== null ? { name: experiment, profile: own } : null,
    set: null,
  });
  return { count: finals.length, ...expected, safetyFactor: HOST.safetyFactor, replicas: null };
}

/** An instance as the ledger counts it: by its last sample, its lease, and what it was admitted with. */
export function countedAs(
  { samples, request, admitted, leaseEndsAt, leasedSince, lastChangedAt }: Instance,
  { guardedNow }: World,
): LedgerInstance {
  const last = samples.at(-1);
  const { clone } = request.template;
  const growth = growthOf({
    expected: admitted.each,
    own: last ? { bytes: last.ownBytes, inodes: last.ownInodes } : clone,
    leaseEndsAt,
    leasedSince,
    wasLeased: true,
    lastChangedAt,
    now: guardedNow,
    growthWindowMs: HOST.growthWindowMs,
  });
  return { ownBytes: last?.ownBytes ?? clone.bytes, growth };
}

/** Something of an instance has changed that the ledger reckons with. */
export function recount({ world, ledger }: Serving, instance: Instance): void {
  if (ledger.has(instance.id)) ledger.count(instance.id, countedAs(instance, world));
}
