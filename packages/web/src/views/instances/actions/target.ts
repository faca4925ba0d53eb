import type { Filter } from '../list.ts';

/** Which instances something is to be done with: those named, or all that match, so many as were shown. */
export type Target = { readonly ids: readonly string[] } | { readonly match: Filter; readonly total: number };

export function countOfTarget(target: Target): number {
  return 'ids' in target ? target.ids.length : target.total;
}

/** The same in the body of `POST /v1/instances/actions`. */
export function targetBody(target: Target): object {
  return 'ids' in target ? { ids: target.ids } : { match: target.match };
}
