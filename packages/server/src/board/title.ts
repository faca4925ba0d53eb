import { progressOf, type RequestProgress, spawnRequestSchema } from '@spica/queues';

/** What Bull Board hands to a formatter of names. */
interface BoardJob {
  readonly name: string;
  readonly data: unknown;
  readonly progress: unknown;
}

/** Only what is shown: a request that another version wrote is a request all the same. */
const shown = spawnRequestSchema.pick({ count: true, template: true }).loose();

/**
 * A request in one line, for lists: what it asks for, and where it stands at `now` (`8 × default, waiting 3 min: 4.2 GB short,
 * 2 leases end within 40 min`). A job that is no request, put there by others, keeps its name.
 */
export function titleOfRequest({ name, data, progress }: BoardJob, now: number): string {
  const request = shown.safeParse(requestIn(data)).data;
  if (!request) return name;
  const asked = `${request.count} × ${request.template}`;
  const stand = progressOf(progress);
  return stand ? `${asked}, ${sayStand(stand, now)}` : asked;
}

/** A request's progress, with where it stands in one line before the rest. */
export function showProgress(progress: unknown, now: number): unknown {
  const stand = progressOf(progress);
  return stand ? { stands: sayStand(stand, now), ...stand } : progress;
}

function sayStand(stand: RequestProgress, now: number): string {
  const { phase, reason } = stand;
  if (phase === 'held') return `waiting ${sayWait(now - Date.parse(stand.since))}: ${brief(reason)}`;
  return reason.startsWith(phase) ? reason : `${phase}: ${reason}`;
}

/** The whole sum, up to what came of it: `needs …; 9 GB available − … = 2 GB: `. */
const SUM = /^(?:needs |template .*: no room: ).* = [^:]*: /s;

/** What is missing and what would help, without the sum that it follows from, which the progress has. */
function brief(reason: string): string {
  return reason.replace(SUM, '').replace(/ short\. (?=\S)/, ' short, ');
}

/** `20 s`, `3 min`, `5 h`; as it is not known by others, no less than nothing. */
function sayWait(ms: number): string {
  const seconds = Number.isFinite(ms) ? Math.max(0, Math.floor(ms / 1_000)) : 0;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

function requestIn(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'request' in data ? data.request : null;
}
