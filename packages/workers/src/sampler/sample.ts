import type { Sample } from '@spica/core';
import type { Measurement } from '@spica/pool';

/** A measurement as the sample that follows `before`: with when the instance was first found to have this size. */
export function sampleAfter(before: Sample | null, measured: Measurement): Sample {
  const { at, ownBytes, inodes } = measured;
  const isSame = before !== null && before.ownBytes === ownBytes && before.inodes === inodes;
  // A change that lies in the future was seen before the clock was set back: it must not keep growth alive.
  return { ...measured, changedAt: isSame ? Math.min(before.changedAt, at) : at };
}
