import type { Decision } from '@spica/core';

/** Where a request stands, as its job's progress shows it to runners, operators and Bull Board. */
export type RequestProgress =
  | { readonly phase: 'preparing'; readonly reason: string }
  | { readonly phase: 'reclaiming'; readonly reason: string }
  | { readonly phase: 'held'; readonly reason: string; readonly since: string; readonly until: string }
  | { readonly phase: 'spawning'; readonly reason: string }
  | { readonly phase: 'undoing'; readonly reason: string }
  | { readonly phase: 'done'; readonly reason: string }
  | {
      readonly phase: 'rejected' | 'failed';
      readonly reason: string;
      readonly code: string;
      /** The sum that it was rejected by; missing where the gate made none. */
      readonly decision?: Decision;
    };

/** Reads a job's progress; null where the gate has not looked at it yet. */
export function progressOf(progress: unknown): RequestProgress | null {
  return typeof progress === 'object' && progress !== null && 'phase' in progress
    ? (progress as RequestProgress)
    : null;
}
