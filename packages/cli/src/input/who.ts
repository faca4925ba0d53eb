import { UsageError } from '@spica/core';
import { hostUser } from '@spica/queues';

/** As long as payloads allow. */
const MOST_CHARACTERS = 200;

/** Who a lease or a pin is of: as given, else `user@host`. Throws UsageError FLAG_INVALID. */
export function parseWho(flag: string, text: string | undefined): string {
  return text === undefined ? hostUser() : parseText(flag, text);
}

/** A text that is not empty and fits on a line. Throws UsageError FLAG_INVALID. */
export function parseText(flag: string, text: string): string {
  if (text.trim() !== '' && text.length <= MOST_CHARACTERS) return text;
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new UsageError(
    'FLAG_INVALID',
    `${flag}: expected 1 to ${MOST_CHARACTERS} characters, got "${shown}"`,
    {
      flag,
    },
  );
}

/** As `parseText`; null where the flag was not given. */
export function parseGivenText(flag: string, text: string | undefined): string | null {
  return text === undefined ? null : parseText(flag, text);
}
