import type { NeedBasis } from '../admission/need.ts';
import type { Size } from '../admission/space.ts';

/** Finished instances from which on an experiment's own profile is used instead of its template's. */
const EXPERIMENT_NEEDS = 10;

/** What of a profile an expectation is taken from. */
interface Measured {
  readonly n: number;
  readonly bytes: { readonly p95: number };
  readonly inodes: { readonly p95: number };
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
}

/**
 * What an instance will become, before its replicas, and what that is taken from: the p95 of its experiment once that
 * has EXPERIMENT_NEEDS finished instances, else of its template, else a prior. Never less than what its clone allocates.
 */
export function expectSize(input: ExpectationInput): { perInstance: Size; basis: NeedBasis } {
  const { clone, snapshot, priorFactor, template, experiment } = input;
  if (experiment !== null && experiment.profile.n >= EXPERIMENT_NEEDS) {
    const { name, profile } = experiment;
    return atLeastClone(clone, profile, { from: 'samples', n: profile.n, experiment: name });
  }
  if (template !== null && template.n > 0) {
    return atLeastClone(clone, template, { from: 'samples', n: template.n });
  }
  const perInstance = {
    bytes: Math.max(clone.bytes, Math.ceil(snapshot.bytes * priorFactor)),
    inodes: Math.max(clone.inodes, Math.ceil(snapshot.inodes * priorFactor)),
  };
  return { perInstance, basis: { from: 'prior', factor: priorFactor } };
}

function atLeastClone(clone: Size, { bytes, inodes }: Measured, measured: NeedBasis) {
  const perInstance = {
    bytes: Math.max(clone.bytes, bytes.p95),
    inodes: Math.max(clone.inodes, inodes.p95),
  };
  const basis: NeedBasis = clone.bytes > bytes.p95 ? { from: 'snapshot' } : measured;
  return { perInstance, basis };
}
