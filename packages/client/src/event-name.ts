import { createHash } from 'node:crypto';

/** The same event has the same name, so that whoever comes back is not told it twice. */
export function eventName(event: unknown): string {
  return createHash('sha256').update(JSON.stringify(event)).digest('hex').slice(0, 12);
}
