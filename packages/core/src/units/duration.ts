const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Each unit at most once, the longest first: what is out of order is more likely a slip than meant. */
const DURATION =
  /^(?=.)(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m)?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g;

/** What a duration looks like, for error messages. */
export const DURATION_EXPECTED = 'expected a duration like 30s, 10m, 1h30m or 2d';

const MOST_DAYS = 36_500;
/** The longest duration there is, a hundred years: added to any time of day, it still is a date. */
export const MAX_DURATION_MS = MOST_DAYS * 86_400_000;

/** What was expected instead of a text that `parseDuration` refused. */
export function durationExpected(text: unknown): string {
  return typeof text === 'string' && DURATION.test(text)
    ? `expected at most ${MOST_DAYS}d`
    : DURATION_EXPECTED;
}

/** `1h30m` → milliseconds; null where the text is not a duration, or is longer than MAX_DURATION_MS. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let ms = 0;
  for (const [, figure, unit] of text.matchAll(PART))
    ms += Number(figure) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  return ms <= MAX_DURATION_MS ? Math.round(ms) : null;
}

/** Milliseconds → `1h30m`, exactly: parseDuration gives the same milliseconds back. */
export function formatDuration(ms: number): string {
  let left = Math.max(0, Math.round(ms));
  if (left === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const figure = Math.floor(left / size);
    left -= figure * size;
    if (figure > 0) text += `${figure}${unit}`;
  }
  return text;
}

/** A span for people, in one unit, rounded up unless told otherwise: `40 min`, `3 h`, `2 days`. */
export function formatSpan(ms: number, round: (figure: number) => number = Math.ceil): string {
  const minutes = round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = round(ms / 3_600_000);
  return hours < 48 ? `${hours} h` : `${round(ms / 86_400_000)} days`;
}
