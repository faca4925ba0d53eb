import type { InstanceRecord } from '@spica/core';
import type { Target } from '@spica/pool';

/** An instance as it is to be measured: a clone that shares its blocks owns what changed since. */
export function targetOf({ id, cloneMethod, clonedAt }: InstanceRecord): Target {
  const shares = cloneMethod === 'snapshot' || cloneMethod === 'reflink';
  return { id, sharesSince: shares ? clonedAt : null, isSnapshot: cloneMethod === 'snapshot' };
}
