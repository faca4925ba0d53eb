import { progressOf, spawnRequestSchema } from '@spica/queues';

/** What Bull Board hands to a formatter of names. */
interface BoardJob {
  readonly name: string;
  readonly data: unknown;
  readonly progress: unknown;
}

/** Only what is shown: a request that another version wrote is a request all the same. */
const shown = spawnRequestSchema.pick({ count: true, template: true }).loose();

/**
 * A request in one line, for lists: what it asks for, and where it stands (`8 × default, held: needs 12.4 GB …`). A job
 * that is no request, put there by others, keeps its name.
 */
export function titleOfRequest({ name, data, progress }: BoardJob): string {
  const request = shown.safeParse(requestIn(data)).data;
  if (!request) return name;
  const asked = `${request.count} × ${request.template}`;
  const stand = progressOf(progress);
  if (!stand) return asked;
  const said = stand.reason.startsWith(stand.phase) ? stand.reason : `${stand.phase}: ${stand.reason}`;
  return `${asked}, ${said}`;
}

function requestIn(data: unknown): unknown {
  return typeof data === 'object' && data !== null && 'request' in data ? data.request : null;
}
