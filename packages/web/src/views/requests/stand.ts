import type { RequestView } from '../../api/views.ts';

/** Where a request stands, for people: `under way` is all between the gate's yes and its end. */
export type Stand = 'waits' | 'under way' | 'done' | 'failed';

export function standOf({ endedAt, failure, state, progress }: RequestView): Stand {
  if (endedAt !== null || state === 'completed' || state === 'failed')
    return failure !== null || state === 'failed' ? 'failed' : 'done';
  return progress === null || progress.phase === 'held' ? 'waits' : 'under way';
}

/** Why it stands there, in one sentence. */
export function reasonOf({ progress, failure }: RequestView): string {
  if (failure !== null) return failure.message;
  return progress?.reason ?? 'the gate has not looked at it yet';
}

/** What would help it, unless the reason says so already; null for nothing. */
export function helpFor(request: RequestView): string | null {
  const { whatWouldHelp } = request;
  return whatWouldHelp === null || reasonOf(request).includes(whatWouldHelp) ? null : whatWouldHelp;
}

/** Since when it waits, or is under way: ISO-8601. */
export function sinceOf({ progress, submittedAt }: RequestView): string | null {
  return progress?.phase === 'held' ? progress.since : submittedAt;
}

/** `8 × default`. */
export function askedFor({ request, of }: RequestView): string {
  return request === null ? `${of} instances` : `${request.count} × ${request.template}`;
}

/** Those that wait by their place in the line, before those that the gate has not looked at yet, oldest first. */
export function byPlace(a: RequestView, b: RequestView): number {
  return (
    (a.position ?? Number.POSITIVE_INFINITY) - (b.position ?? Number.POSITIVE_INFINITY) ||
    (a.submittedAt ?? '').localeCompare(b.submittedAt ?? '') ||
    0
  );
}

/** The newest end first. */
export function byEnd(a: RequestView, b: RequestView): number {
  return (b.endedAt ?? '').localeCompare(a.endedAt ?? '');
}
