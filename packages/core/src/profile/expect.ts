import type { NeedBasis } from '../admission/need.ts';
import type { Size } from '../admission/space.ts';
import { FEW, type Spread } from './percentile.ts';

/** Finished instances from which on an experiment's own profile is used instead of its template's. */
const EXPERIMENT_NEEDS = 10;

/** What of a profile an expectation is taken from. */
interface Measured {
  readonly n: number;
  readonly bytes: Pick<Spread, 'p95' | 'max'>;
  readonly inodes: Pick<Spread, 'p95' | 'max'>;
}

/** What an operator says that instances of a template become, whatever was measured. */
export interface SetSize {
  readonly bytes: number;
  readonly by: string;
}

export interface ExpectationInput {
  /** What the clone allocates at once: no instance is expected to be smaller. */
  readonly clone: Size;
  /** The prepared snapshot, for the prior. */
  readonly snapshot: Size;
  /** `disk.prior_factor`. */
  readonly priorFactor: number;
  /** Null as long as none of the template's instances was measured. */
  readonly template: Measured | null;
  /** The request's experiment and what its instances were measured at; null without either. */
  readonly experiment: { readonly name: string; readonly profile: Measured } | null;
  /** Null where no operator has said anything. */
  readonly set: SetSize | null;
}

/**
 * What an instance will become, before its replicas, and what that is taken from: what an operator has set, else the p95 of
 * its experiment once that has EXPERIMENT_NEEDS finished instances, else of its template, else a prior. Never less than
 * what its clone allocates, which is what is certain of it.
 */
export function expectSize(input: ExpectationInput): { perInstance: Size; certain: Size; basis: NeedBasis } {
  const { clone, set } = input;
  const found = expectMeasured(input);
  if (set === null) return { ...found, certain: clone };
  const perInstance = { ...found.perInstance, bytes: Math.max(clone.bytes, set.bytes) };
  return { perInstance, certain: clone, basis: { from: 'set', by: set.by } };
}

function expectMeasured(input: ExpectationInput): { perInstance: Size; basis: NeedBasis } {
  const { clone, snapshot, priorFactor, template, experiment } = input;
  if (experiment !== null && experiment.profile.n >= EXPERIMENT_NEEDS) {
    const { name, profile } = experiment;
    return atLeastClone(clone, p95Of(profile), basisOf(profile, name));
  }
  if (template !== null && template.n > 0) return atLeastClone(clone, p95Of(template), basisOf(template));
  const perInstance = {
    bytes: Math.max(clone.bytes, Math.ceil(snapshot.bytes * priorFactor)),
    inodes: Math.max(clone.inodes, Math.ceil(snapshot.inodes * priorFactor)),
  };
  return { perInstance, basis: { from: 'prior', factor: priorFactor } };
}

function p95Of({ bytes, inodes }: Measured): Size {
  return { bytes: bytes.p95, inodes: inodes.p95 };
}

/** The largest of few is named where it does not count in full. */
function basisOf({ n, bytes }: Measured, experiment?: string): NeedBasis {
  const isCut = n < FEW && bytes.max > bytes.p95;
  return {
    from: 'samples',
    n,
    ...(experiment === undefined ? {} : { experiment }),
    ...(isCut ? { largest: bytes.max } : {}),
  };
}

function atLeastClone(clone: Size, { bytes, inodes }: Size, basis: NeedBasis) {
  const perInstance = { bytes: Math.max(clone.bytes, bytes), inodes: Math.max(clone.inodes, inodes) };
  const isClone = clone.bytes > bytes;
  return { perInstance, basis: isClone ? ({ from: 'snapshot' } as const) : basis };
}
