import { join } from 'node:path';
import { isInstanceId, UsageError } from '@spica/core';

/** Name of Spica's own directory under a pool's root. */
const OWN = '.spica';

/** The places of a pool on disk (DESIGN.md, "On disk"). */
export interface PoolPaths {
  readonly root: string;
  readonly own: string;
  readonly marker: string;
  readonly templates: string;
  readonly staging: string;
  readonly trash: string;
  readonly records: string;
  /** What set-up commands printed. */
  readonly setUps: string;
  readonly ballast: string;
  /** Written to from time to time, to see whether the disk takes writes. */
  readonly writeCheck: string;
  /** Names the process that serves the pool. */
  readonly servedBy: string;
}

/** A pool whose marker has been checked. */
export interface Pool {
  readonly name: string;
  /** As the marker has it: the same disk keeps its id wherever it is mounted. */
  readonly id: string;
  readonly paths: PoolPaths;
  /** Where an instance lies. Throws UsageError INSTANCE_ID_INVALID for anything that is not an instance's id. */
  pathOf(id: string): string;
}

export function pathsOf(root: string): PoolPaths {
  const own = join(root, OWN);
  return {
    root,
    own,
    marker: join(own, 'pool.json'),
    templates: join(own, 'templates'),
    staging: join(own, 'staging'),
    trash: join(own, 'trash'),
    records: join(own, 'records'),
    setUps: join(own, 'set-ups'),
    ballast: join(own, 'ballast'),
    writeCheck: join(own, 'write-check'),
    servedBy: join(own, 'served-by.json'),
  };
}

export function poolAt(name: string, id: string, root: string): Pool {
  return {
    name,
    id,
    paths: pathsOf(root),
    pathOf(instance) {
      if (isInstanceId(instance)) return join(root, instance);
      throw new UsageError(
        'INSTANCE_ID_INVALID',
        `id: expected an instance id like spica-0123456789ab, got ${JSON.stringify(instance)}`,
      );
    },
  };
}
