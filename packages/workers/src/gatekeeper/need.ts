import {
  type CloneMethod,
  expectSize,
  type NeedInput,
  type Profile,
  type ReplicaBasis,
  type ReplicaPlan,
  type Size,
} from '@spica/core';
import type { Prepared } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { atLeastCap, capsReservations } from '../image/caps.ts';

/** Files that Spica itself adds to an instance and to the pool's records, at most. */
const OWN_FILES: Size = { bytes: 4 * 4096, inodes: 4 };

/** What of a request its need follows from. */
export interface Asked {
  readonly count: number;
  readonly experiment: string | null;
  readonly replicas: ReplicaPlan | null;
}

/** What of a prepared snapshot the need follows from; for one that is not prepared yet, what it will be. */
export type Snapshot = Pick<Prepared, 'template' | 'allocatedBytes' | 'inodes'>;

/** What a clone allocates: a snapshot shares all with its template, a reflink its data. */
export function clonedSize(
  method: CloneMethod,
  { allocatedBytes, inodes }: Pick<Prepared, 'allocatedBytes' | 'inodes'>,
): Size {
  return { bytes: method === 'copy' ? allocatedBytes : 0, inodes: method === 'snapshot' ? 0 : inodes };
}

/**
 * What btrfs keeps of an entry beside its blocks, twice: its inode, its names, and the content of a small file, which takes
 * no block. Measured: 0.7 kB of an empty file, 4.8 kB of one of 1.9 kB, which elsewhere has a block of 4.1 kB.
 */
const ENTRY_BYTES = 2_048;

/** The room for a prepared snapshot: what its template allocates on its own disk, and where clones are btrfs snapshots its tree. */
export function preparedSize(method: CloneMethod, { bytes, inodes }: Size): Size {
  return { bytes: method === 'snapshot' ? bytes + inodes * ENTRY_BYTES : bytes, inodes };
}

/** The room for a clone, with the files that Spica adds. */
export function withOwnFiles({ bytes, inodes }: Size): Size {
  return { bytes: bytes + OWN_FILES.bytes, inodes: inodes + OWN_FILES.inodes };
}

/**
 * What a request needs, and what that is taken from: what an operator has set, the sizes that instances of its experiment or
 * template became, or a prior; never less than what the clone will allocate. A snapshot shares all of its blocks with the template, a reflink
 * its data but not its inodes.
 */
export async function needFor(
  ctx: Pick<PoolContext, 'method' | 'profiles' | 'policy' | 'isCharged'>,
  snapshot: Snapshot,
  asked: Asked,
): Promise<NeedInput> {
  const { method, profiles, policy } = ctx;
  const { count, experiment, replicas } = asked;
  const clone = withOwnFiles(clonedSize(method, snapshot));
  const [template, own, replica] = await Promise.all([
    profiles.read(`template:${snapshot.template}`),
    experiment === null ? null : profiles.read(`experiment:${experiment}`),
    replicas === null ? null : profiles.read(`replica:${snapshot.template}`),
  ]);
  const expected = expectSize({
    clone,
    snapshot: { bytes: snapshot.allocatedBytes, inodes: snapshot.inodes },
    priorFactor: policy.disk.priorFactor,
    template: template.profile,
    experiment: experiment !== null && own?.profile ? { name: experiment, profile: own.profile } : null,
    set: own?.set ?? template.set,
  });
  return {
    count,
    ...expected,
    perInstance: atLeastCap(ctx, expected.perInstance),
    isCap: capsReservations(ctx),
    safetyFactor: policy.disk.safetyFactor,
    replicas: replicas && {
      plan: replicas,
      basis: replicaBasis(replica?.profile ?? null, policy.disk.replicaOverhead),
    },
  };
}

function replicaBasis(measured: Profile | null, overhead: number): ReplicaBasis {
  if (!measured) return { from: 'overhead', overhead };
  const { n, bytes, inodes } = measured;
  return { from: 'samples', n, size: { bytes: bytes.p95, inodes: inodes.p95 } };
}
