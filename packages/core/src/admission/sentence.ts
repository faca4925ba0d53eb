import { formatBytes, formatBytesFinely, formatTerms } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import type { AdmissionInput, Decision, Sum } from './decision.ts';
import type { NeedBasis, NeedInput } from './need.ts';

type Figures = Omit<Decision, 'verdict' | 'sentence'>;

/** Why a request can never fit, however empty the pool; null when it could. */
export function describeNever(input: AdmissionInput, { need, parts }: Figures): string | null {
  const { space, floor, count, maxInstances, basis } = input;
  if (count > maxInstances) {
    return `asks for ${countOf(count, 'instance')}; max_instances is ${maxInstances}: can never fit`;
  }
  const advice =
    basis.from === 'prior'
      ? '; ask for fewer, so that their size is measured, or lower disk.prior_factor'
      : '';
  if (need.bytes > space.totalBytes - floor.bytes) {
    return (
      `${describeNeed(input, need.bytes, parts)}; the disk has ${formatBytes(space.totalBytes)}, of which ` +
      `${formatBytes(floor.bytes)} are the floor: can never fit${advice}`
    );
  }
  if (space.totalInodes !== null && need.inodes > space.totalInodes - floor.inodes) {
    return (
      `${describeInodes(input, need.inodes, parts)}; the disk has ${space.totalInodes}, of which ` +
      `${floor.inodes} are the floor: can never fit${advice}`
    );
  }
  return null;
}

/** The sum with every figure and what came of it. Inodes are named where they are what is missing. */
export function describeDecision(input: AdmissionInput, figures: Figures): string {
  const { need, parts, sum, shortfall } = figures;
  const clauses = [`${describeNeed(input, need.bytes, parts)}; ${describeBytes(sum.bytes)}`];
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
  const { count, perInstance, basis, safetyFactor } = input;
  const safety = safetyFactor === 1 ? '' : `, × ${safetyFactor} for safety`;
  const own = `${count} × ${formatBytesFinely(perInstance.bytes)}, ${describeBasis(basis)}${safety}`;
  const added = replicas === null ? '' : `; ${describeReplicas(input, replicas)}`;
  return `needs ${formatBytes(totalBytes)} (${own}${added})`;
}

function describeBasis(basis: NeedBasis): string {
  switch (basis.from) {
    case 'snapshot':
      return "the prepared snapshot's size";
    case 'prior':
      return `a prior, as nothing was measured yet: the prepared snapshot × ${basis.factor}`;
    case 'samples': {
      const of = basis.experiment === undefined ? '' : ` of experiment ${basis.experiment}`;
      return `p95 of ${countOf(basis.n, 'sample')}${of}`;
    }
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

function describeBytes({ available, reserved, growth, floor, headroom }: Sum): string {
  const { inUnit, bare } = formatTerms([available, reserved, growth, floor, headroom]);
  return (
    `${inUnit(available)} available − ${bare(reserved)} reserved − ${bare(growth)} growth − ` +
    `${bare(floor)} floor = ${inUnit(headroom)}`
  );
}

function describeOutcome(input: AdmissionInput, { need, shortfall }: Figures): string {
  const short: string[] = [];
  if (shortfall.bytes > 0) short.push(`${formatBytes(shortfall.bytes)} short`);
  if (shortfall.inodes > 0) short.push(`${countOf(shortfall.inodes, 'inode')} short`);
  if (shortfall.slots > 0) {
    short.push(
      `${countOf(shortfall.slots, 'instance')} too many (${input.instances} there + ${input.reserved.slots} reserved + ` +
        `${need.slots} asked for, max_instances is ${input.maxInstances})`,
    );
  }
  return short.length > 0 ? short.join(', ') : 'admitted';
}
