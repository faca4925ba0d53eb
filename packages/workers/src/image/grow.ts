import { CheckError, decide, formatBytes, type InstanceRecord, ownBytes, UsageError } from '@spica/core';
import { asMeasurement, capInstance, readChargesNow } from '@spica/pool';
import type { GrowResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { countInstance } from '../gate/load.ts';
import { readDisk } from '../gatekeeper/facts.ts';
import { keepMeasurements } from '../sampler/keep.ts';

/** What raising a cap asks for. */
export interface GrowRequest {
  readonly id: string;
  readonly capBytes: number;
  /** What to say in the audit log where there is no room; null to say nothing. */
  readonly otherwise: 'refused' | 'held' | null;
}

/**
 * Raises an instance's cap to so many bytes if there is room for what it may then write beyond its cap of now, by the sum
 * that the gate holds requests against: now, or not at all. Between the decision and the cap nothing else is decided.
 * Throws CheckError INSTANCE_UNKNOWN, NOT_CAPPED, DISK_* for a disk that is in trouble; UsageError CAP_INVALID where it
 * has more already; one that has just that is granted.
 */
export async function growInstance(ctx: ServedContext, request: GrowRequest): Promise<GrowResult> {
  const { id, capBytes } = request;
  const { record, ...result } = await ctx.perInstance.run(id, () => grow(ctx, request));
  if (result.granted) {
    const measured = asMeasurement({ bytes: ownBytes(record) ?? 0, capBytes }, ctx.clock);
    const known = await ctx.catalog.getMany([id]);
    await keepMeasurements(ctx, known, new Map([[id, measured]])); // takes its turn on the instance by itself
  }
  return result;
}

async function grow(
  ctx: ServedContext,
  { id, capBytes, otherwise }: GrowRequest,
): Promise<GrowResult & { readonly record: InstanceRecord }> {
  const { gate, pool, clockGuard, audit } = ctx;
  const { record, cap } = await readCap(ctx, id);
  if (capBytes < cap) {
    throw new UsageError(
      'CAP_INVALID',
      `size: expected at least the cap that ${id} has, ${formatBytes(cap)}, got ${formatBytes(capBytes)}`,
      { id },
    );
  }
  // As where the process was killed before it had said so.
  if (capBytes === cap)
    return {
      id,
      capBytes,
      granted: true,
      isImpossible: false,
      sentence: `its cap is ${formatBytes(cap)} already`,
      record,
    };
  const before = gate.ledger.sums(clockGuard.now());
  const { trouble, ...disk } = await readDisk(ctx, before, gate.ledger.ownBytes);
  if (trouble)
    throw new CheckError(trouble.code, `instance ${id}: it cannot be given more: ${trouble.reason}`);
  const need = {
    count: 1,
    perInstance: { bytes: capBytes - cap, inodes: 0 },
    certain: { bytes: capBytes - cap, inodes: 0 },
    basis: { from: 'cap', bytes: cap },
    safetyFactor: 1,
    replicas: null,
  } as const;
  const terms = { maxInstances: Number.MAX_SAFE_INTEGER }; // it is there already
  const { verdict, sentence } = decide(need, { ...disk, terms }, gate.ledger.sums(clockGuard.now()));
  const granted = verdict === 'admit' && capInstance(pool, id, capBytes);
  if (granted) gate.raised.set(id, capBytes);
  if (granted && record.sample)
    countInstance(ctx, { record: { ...record, sample: { ...record.sample, capBytes } } });
  const isImpossible = verdict === 'impossible';
  const outcome = granted ? 'granted' : isImpossible ? 'refused' : otherwise;
  if (outcome !== null) {
    await audit.append({
      action: 'grow_instance',
      instance: id,
      reason: `from a cap of ${formatBytes(cap)} to ${formatBytes(capBytes)}: ${sentence}`,
      bytes: capBytes,
      outcome,
    });
  }
  return { id, capBytes: granted ? capBytes : cap, granted, isImpossible, sentence, record };
}

/** The instance as it is now, and its cap as the kernel has it. */
async function readCap(ctx: ServedContext, id: string): Promise<{ record: InstanceRecord; cap: number }> {
  const known = (await ctx.catalog.get(id))?.record;
  if (!known)
    throw new CheckError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${ctx.pool.name}`, { id });
  const charge = (await readChargesNow(ctx.pool.paths.root))?.byInstance.get(id);
  const cap = charge?.capBytes ?? null;
  if (charge && cap !== null) {
    const measured = asMeasurement(charge, ctx.clock);
    return {
      record: { ...known, sample: { ...measured, changedAt: known.sample?.changedAt ?? measured.at } },
      cap,
    };
  }
  throw new CheckError(
    'NOT_CAPPED',
    `instance ${id}: it has no cap that could be raised: the kernel caps instances in an image, or with disk.hard_cap, by ` +
      'disk.max_instance_gb or disk.cap: reservation',
    { id },
  );
}
