import { type ExpectedGrowth, expectSize, growthOf, type NeedBasis, type Size } from '@spica/core';
import { HOST, type Template } from './scenario.ts';
import type { Instance, Store } from './store.ts';

/** What an instance of a request is expected to become, from what was measured so far. */
export function expectationOf(
  store: Store,
  { template, experiment }: { template: Template; experiment: string | null },
): { perInstance: Size; basis: NeedBasis } {
  const own = experiment === null ? null : store.profile(`experiment:${experiment}`);
  return expectSize({
    clone: template.clone,
    snapshot: template.clone,
    priorFactor: HOST.priorFactor,
    template: store.profile(`template:${template.name}`),
    experiment: own && experiment !== null ? { name: experiment, profile: own } : null,
  });
}

/** What an instance is still expected to add, by its last sample. */
export function expectedGrowth(store: Store, instance: Instance, now: number): ExpectedGrowth {
  const last = instance.samples.at(-1);
  const { clone } = instance.request.template;
  return growthOf({
    expected: expectationOf(store, instance.request).perInstance,
    own: last ? { bytes: last.ownBytes, inodes: last.ownInodes } : clone,
    leaseEndsAt: instance.leaseEndsAt,
    wasLeased: true,
    lastChangedAt: instance.lastChangedAt,
    now,
    growthWindowMs: HOST.growthWindowMs,
  });
}
