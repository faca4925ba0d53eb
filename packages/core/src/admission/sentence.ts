import { formatBytes, formatBytesFinely, formatTerms } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import type { AdmissionInput, ByteSum, Decision } from './decision.ts';
import type { NeedBasis, NeedInput } from './need.ts';
import type { Bound } from './space.ts';

type Figures = Omit<Decision, 'verdict' | 'sentence'>;

/**
 * Why a request can never fit, however empty the pool; null when it could. What instances became before is no proof of what
 * they must become: where that is what does not fit, only what is certain counts.
 */
export function describeNever(input: AdmissionInput, { need: expected, parts }: Figures): string | null {
  const { space, floor, count, maxInstances, basis, certain } = input;
  const need = isMeasured(input)
    ? { bytes: count * certain.bytes, inodes: count * certain.inodes }
    : expected;
  if (count > maxInstances) {
    return `asks for ${countOf(count, 'instance')}; max_instances is ${maxInstances}: can never fit`;
  }
  const advice =
    basis.from === 'prior'
      ? '; ask for fewer, so that their size is measured, or lower disk.prior_factor'
      : '';
  if (need.bytes > space.totalBytes - floor.bytes) {
    return (
      `${describeNeed(input, expected.bytes, parts)}; the disk has ${formatBytes(space.totalBytes)}, of which ` +
      `${formatBytes(floor.bytes)} are the floor: can never fit${advice}`
    );
  }
  for (const bound of input.bounds) {
    if (bound.totalBytes === null || need.bytes <= bound.totalBytes - bound.floorBytes) continue;
    return `${describeNeed(input, expected.bytes, parts)}; ${describeTooSmall(bound)}: can never fit${advice}`;
  }
  if (space.totalInodes !== null && need.inodes > space.totalInodes - floor.inodes) {
    return (
      `${describeInodes(input, expected.inodes, parts)}; the disk has ${space.totalInodes}, of which ` +
      `${floor.inodes} are the floor: can never fit${advice}`
    );
  }
  return null;
}

/** `there are 2.0 TB on /srv (disk.also_watch), of which 20 GB are the floor`: all that a bound could ever leave. */
export function describeTooSmall({ name, totalBytes, floorBytes }: Bound): string {
  const floor = floorBytes > 0 ? `, of which ${formatBytes(floorBytes)} are the floor` : '';
  return `there are ${formatBytes(totalBytes ?? 0)} ${name}${floor}`;
}

/** Whether a need is taken from what was measured, or an operator's word, and not from the config. */
export function isMeasured({ basis, replicas }: Pick<NeedInput, 'basis' | 'replicas'>): boolean {
  return basis.from === 'samples' || basis.from === 'set' || replicas?.basis.from === 'samples';
}

/** The sum with every figure and what came of it. Inodes are named where they are what is missing. */
export function describeDecision(input: AdmissionInput, figures: Figures): string {
  const { need, parts, sum, shortfall } = figures;
  const clauses = [
    `${describeNeed(input, need.bytes, parts)}; ${describeBytes(sum.bytes)}${describeOthers(sum.others)}`,
  ];
  if (sum.inodes !== null && shortfall.inodes > 0) {
    const { available, reserved, growth, floor, headroom } = sum.inodes;
    clauses.push(
      `${describeInodes(input, need.inodes, parts)}; ${available} available − ${reserved} reserved − ` +
        `${growth} growth − ${floor} floor = ${headroom}`,
    );
  }
  return `${clauses.join('; ')}: ${describeOutcome(input, figures)}`;
}

function describeNeed(input: NeedInput, totalBytes: number, { replicas }: Figures['parts']): string {
  const { count, perInstance, basis, safetyFactor, isCap } = input;
  const safety = safetyFactor === 1 ? '' : `, × ${safetyFactor} for safety`;
  const own = `${count} × ${formatBytesFinely(perInstance.bytes)}, ${describeBasis(basis)}${safety}`;
  const added = replicas === null ? '' : `; ${describeReplicas(input, replicas)}`;
  const cap = isCap ? `; each is capped at ${formatBytesFinely(totalBytes / count)}` : '';
  return `needs ${formatBytes(totalBytes)} (${own}${added}${cap})`;
}

function describeBasis(basis: NeedBasis): string {
  switch (basis.from) {
    case 'snapshot':
      return "the prepared snapshot's size";
    case 'cap':
      return `beyond its cap of ${formatBytes(basis.bytes)}`;
    case 'prior':
      return `a prior, as nothing was measured yet: the prepared snapshot × ${basis.factor}`;
    case 'samples': {
      const of = basis.experiment === undefined ? '' : ` of experiment ${basis.experiment}`;
      const cut =
        basis.largest === undefined
          ? ''
          : `, the largest (${formatBytesFinely(basis.largest)}) alone not decisive`;
      return `p95 of ${countOf(basis.n, 'sample')}${of}${cut}`;
    }
    case 'set':
      return `set by ${basis.by} with \`spica profile set\``;
  }
}

function describeReplicas(
  { count, replicas: asked }: NeedInput,
  replicas: NonNullable<Figures['parts']['replicas']>,
): string {
  const each = formatBytesFinely(replicas.each.bytes);
  if (asked === null) return `${count} × ${countOf(replicas.perInstance, 'replica')} × ${each}`;
  const { epochs, slicesPerEpoch, replicasPerSlice } = asked.plan;
  const { basis } = asked;
  const from =
    basis.from === 'samples'
      ? `p95 of ${countOf(basis.n, 'sample')}`
      : `replica_overhead ${basis.overhead} of an instance, not measured yet`;
  return `+ ${count} × ${epochs} × ${slicesPerEpoch} × ${countOf(replicasPerSlice, 'replica')} × ${each}, ${from}`;
}

function describeInodes({ count }: NeedInput, total: number, { perInstance }: Figures['parts']): string {
  return `needs ${countOf(total, 'inode')} (${count} × ${perInstance.inodes})`;
}

/** `61.0 GB available on /srv (disk.also_watch) − 9.3 reserved − …`: which disk, where it is not the pool's own. */
export function describeBytes({ available, reserved, growth, floor, headroom, bound }: ByteSum): string {
  const { inUnit, bare } = formatTerms([available, reserved, growth, floor, headroom]);
  return (
    `${inUnit(available)} available${bound ? describeBound(available, bound) : ''} − ${bare(reserved)} reserved − ${bare(growth)} growth − ` +
    `${bare(floor)} floor = ${inUnit(headroom)}`
  );
}

function describeBound(available: number, { name, unwrittenBytes }: NonNullable<ByteSum['bound']>): string {
  if (unwrittenBytes === 0) return ` ${name}`;
  const there = formatBytes(available + unwrittenBytes);
  return ` ${name} (${there} less ${formatBytes(unwrittenBytes)} that its btrfs has yet to write)`;
}

/** What else bounds the bytes leaves more, and how much. */
function describeOthers(sums: readonly ByteSum[]): string {
  if (sums.length === 0) return '';
  const said = sums.map(({ headroom, bound }) => {
    return `${formatBytes(headroom)} ${bound?.name ?? "on the pool's own filesystem"}`;
  });
  return ` (and ${said.join(', ')})`;
}

function describeOutcome(input: AdmissionInput, figures: Figures): string {
  const { need, shortfall } = figures;
  const short: string[] = [];
  if (shortfall.bytes > 0) short.push(`${formatBytes(shortfall.bytes)} short`);
  if (shortfall.inodes > 0) short.push(`${countOf(shortfall.inodes, 'inode')} short`);
  if (shortfall.slots > 0) {
    short.push(
      `${countOf(shortfall.slots, 'instance')} too many (${input.instances} there + ${input.reserved.slots} reserved + ` +
        `${need.slots} asked for, max_instances is ${input.maxInstances})`,
    );
  }
  if (short.length === 0) return 'admitted';
  const missing = short.join(', ');
  if (figures.isTrial) return `${missing}, but the pool is empty: admitted as a trial with what there is`;
  return isBeyond(input, need) ? `${missing}, and the whole disk has no more: ${TRIAL}` : missing;
}

const TRIAL =
  'on an empty pool one instance is let in as a trial; `spica profile` shows, forgets or sets what is expected';

/** Whether the disk could not hold it if it were empty, by what was measured. */
function isBeyond({ space, floor }: AdmissionInput, need: Figures['need']): boolean {
  const { totalBytes, totalInodes } = space;
  return (
    need.bytes > totalBytes - floor.bytes ||
    (totalInodes !== null && need.inodes > totalInodes - floor.inodes)
  );
}
