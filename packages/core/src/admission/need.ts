import type { Amount, Size } from './space.ts';

/** What the size expected of one instance was taken from. */
export type NeedBasis =
  /** What its clone allocates at once, which is more than the profile says. */
  | { readonly from: 'snapshot' }
  /** What an instance is to be given beyond its cap of `bytes`. */
  | { readonly from: 'cap'; readonly bytes: number }
  /** Nothing was measured yet: the prepared snapshot × `factor`. */
  | { readonly from: 'prior'; readonly factor: number }
  /**
   * The 95th percentile of `n` measured instances of the template, or of the named experiment. `largest`: so large was one
   * of few, which alone does not decide.
   */
  | { readonly from: 'samples'; readonly n: number; readonly experiment?: string; readonly largest?: number }
  /** An operator's word (`spica profile set`). */
  | { readonly from: 'set'; readonly by: string };

/** The replicas that each instance of a request will run. */
export interface ReplicaPlan {
  readonly epochs: number;
  readonly slicesPerEpoch: number;
  readonly replicasPerSlice: number;
}

/** What one replica adds to its instance. */
export type ReplicaBasis =
  /** Not measured yet: a share of the instance's own size. */
  | { readonly from: 'overhead'; readonly overhead: number }
  | { readonly from: 'samples'; readonly n: number; readonly size: Size };

export interface NeedInput {
  /** Instances asked for. */
  readonly count: number;
  /** What one is expected to become, without its replicas. */
  readonly perInstance: Size;
  /** What of that is certain: what its clone allocates. */
  readonly certain: Size;
  readonly basis: NeedBasis;
  readonly safetyFactor: number;
  /** What is reserved for each is its cap, too: the kernel lets it become no larger. */
  readonly isCap?: boolean;
  /** Null for a request that says nothing of replicas. */
  readonly replicas: { readonly plan: ReplicaPlan; readonly basis: ReplicaBasis } | null;
}

/** A request's need with the parts that it is the sum of. */
export interface Need {
  readonly total: Amount;
  /** What one instance may become in all, safety and replicas included: what is reserved for each. */
  readonly perInstance: Size;
  /** How many replicas each instance has, and what each adds; null without replicas. */
  readonly replicas: { readonly perInstance: number; readonly each: Size } | null;
}

/** How many replicas each instance of a request runs. */
export function countReplicas({ epochs, slicesPerEpoch, replicasPerSlice }: ReplicaPlan): number {
  return epochs * slicesPerEpoch * replicasPerSlice;
}

/** `count × (size × safety + replicas)`, in whole bytes and inodes, each part rounded up. */
export function needOf({ count, perInstance, safetyFactor, replicas }: NeedInput): Need {
  const own = {
    bytes: Math.ceil(perInstance.bytes * safetyFactor),
    inodes: Math.ceil(perInstance.inodes * safetyFactor),
  };
  const added = replicas && {
    perInstance: countReplicas(replicas.plan),
    each: sizeOfReplica(perInstance, replicas.basis),
  };
  const each = {
    bytes: own.bytes + (added ? added.perInstance * added.each.bytes : 0),
    inodes: own.inodes + (added ? added.perInstance * added.each.inodes : 0),
  };
  const total = { bytes: count * each.bytes, inodes: count * each.inodes, slots: count };
  return { total, perInstance: each, replicas: added };
}

function sizeOfReplica(instance: Size, basis: ReplicaBasis): Size {
  if (basis.from === 'samples') return basis.size;
  return {
    bytes: Math.ceil(instance.bytes * basis.overhead),
    inodes: Math.ceil(instance.inodes * basis.overhead),
  };
}
