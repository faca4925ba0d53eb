import { durationExpected, parseDuration, UsageError } from '@spica/core';

function refuse(flag: string, expected: string, text: string): UsageError {
  return new UsageError('FLAG_INVALID', `${flag}: ${expected}, got "${shorten(text)}"`, { flag });
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Reads a whole number written in digits. Throws UsageError FLAG_INVALID that quotes flag, value and bounds. */
export function parseCount(
  flag: string,
  text: string,
  { least, most }: { least: number; most?: number },
): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least && value <= (most ?? value)) return value;
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw refuse(flag, `expected a whole number ${range}`, text);
}

/** Reads a number of days, fractions allowed, and returns milliseconds. */
export function parseDays(flag: string, text: string): number {
  const days = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(days)) return days * 86_400_000;
  throw refuse(flag, 'expected a number of days of at least 0', text);
}

/** Reads a duration like `10m` and returns milliseconds; null where the flag was not given. */
export function parseWait(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw refuse(flag, durationExpected(text), text);
}

/** Reads how long something is to last, like `1h`, and returns milliseconds of at least 1; null where it was not given. */
export function parseSpan(flag: string, text: string | undefined): number | null {
  const ms = parseWait(flag, text);
  if (ms === null || ms > 0) return ms;
  throw refuse(flag, 'expected a duration of more than 0s', text ?? '');
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** Reads a finite number. Throws UsageError FLAG_INVALID. */
export function parseNumber(flag: string, text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw refuse(flag, 'expected a number', text);
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(TB|GB|MB|kB)?$/i;
const UNITS: Readonly<Record<string, number>> = { tb: 1e12, gb: 1e9, mb: 1e6, kb: 1e3 };

/** Reads a size of more than nothing, like `300MB`, in GB where it has no unit, and returns bytes. Throws UsageError. */
export function parseSize(flag: string, text: string): number {
  const [, figure = '', unit = 'gb'] = SIZE.exec(text) ?? [];
  const bytes = Math.ceil(Number(figure || Number.NaN) * (UNITS[unit.toLowerCase()] ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw refuse(flag, 'expected a size of more than 0 like 1.5GB or 300MB', text);
}

/** `--port` as a flag of the config; none where it was not given. */
export function parsePort(text: string | undefined): Record<string, number> {
  return text === undefined ? {} : { 'server.port': parseCount('--port', text, { least: 0, most: 65_535 }) };
}
