import type { AdmissionBasis } from '@spica/core';
import type { Prepared } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** Files that Spica itself adds to an instance and to the pool's records, at most. */
const OWN_INODES = 4;
const OWN_BYTES = 4 * 4096;

export interface Need {
  readonly perInstance: { readonly bytes: number; readonly inodes: number };
  readonly basis: AdmissionBasis;
}

/**
 * What one instance needs: what its clone will allocate, or the 95th percentile of what the template's instances were
 * measured at, where that is more. A snapshot shares all of its blocks, a reflink its data but not its inodes.
 */
export async function needOf(ctx: PoolContext, prepared: Prepared): Promise<Need> {
  const clone = {
    bytes: OWN_BYTES + (ctx.method === 'copy' ? prepared.allocatedBytes : 0),
    inodes: OWN_INODES + (ctx.method === 'snapshot' ? 0 : prepared.inodes),
  };
  const sizes = await ctx.catalog.sizeOf(prepared.template);
  if (!sizes || (sizes.bytes <= clone.bytes && sizes.inodes <= clone.inodes)) {
    return { perInstance: clone, basis: { from: 'snapshot' } };
  }
  return {
    perInstance: { bytes: Math.max(clone.bytes, sizes.bytes), inodes: Math.max(clone.inodes, sizes.inodes) },
    basis: { from: 'samples', n: sizes.n },
  };
}
