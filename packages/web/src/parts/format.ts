/*
 * Figures for people. All are of tabular digits and keep their width as they change (`.num`, styles/base.css); a narrow
 * no-break space stands between figure and unit.
 */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const GAP = '\u202f';
/** Stands for what is not known. */
export const UNKNOWN = '–';

/** Decimal, with one digit after the point: `12.4 GB`; `830 B`; a dash for what is not known. */
export function bytes(value: number | null | undefined): string {
  if (value == null || Number.isNaN(value)) return UNKNOWN;
  const sign = value < 0 ? '−' : '';
  let size = Math.abs(value);
  let unit = 0;
  // One decimal of 999.95 and more would read 1000.0.
  while (size >= 999.95 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${sign}${unit === 0 ? Math.round(size) : size.toFixed(1)}${GAP}${UNITS[unit]}`;
}

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 instance`, `2 instances`. */
export function countOf(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `37 %`, of a share from 0 to 1. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}${GAP}%`;
}

const SPANS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A span of time in its two largest units: `3 d 4 h`, `12 min 5 s`, `8 s`, `<1 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null || Number.isNaN(ms)) return UNKNOWN;
  const size = Math.max(0, ms);
  const first = SPANS.findIndex(([, each]) => size >= each);
  if (first === -1) return `${size > 0 ? '<1' : '0'}${GAP}s`;
  const [unit, each] = SPANS[first] ?? SPANS[3];
  const whole = Math.floor(size / each);
  const second = SPANS[first + 1];
  if (!second || whole >= 100) return `${whole}${GAP}${unit}`;
  const rest = Math.floor((size - whole * each) / second[1]);
  return rest === 0 ? `${whole}${GAP}${unit}` : `${whole}${GAP}${unit} ${rest}${GAP}${second[0]}`;
}

/** A span in its largest unit alone, for narrow columns: `3 d`, `12 min`. */
export function shortDuration(ms: number | null | undefined): string {
  return duration(ms).split(' ')[0] ?? UNKNOWN;
}

const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const DAY: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' };

/** The time of day in the viewer's zone, to the second: `14:02:11`. */
export function clock(at: number): string {
  return format({ ...CLOCK, second: '2-digit' }, at);
}

/** A moment in the viewer's zone: `14:02` on the day of `now`, else `28 Nov 14:02`, with the year where it is another. */
export function moment(at: number, now: number): string {
  const time = format(CLOCK, at);
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time;
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return `${format(isThisYear ? DAY : { ...DAY, year: 'numeric' }, at)} ${time}`;
}

/** The same in UTC and in full, for the hover: `2026-11-28 14:02:11 UTC`. */
export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format takes a hundred times as long as using one. */
function format(options: Intl.DateTimeFormatOptions, at: number): string {
  const key = Object.entries(options).join();
  const known = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', options);
  formats.set(key, known);
  return known.format(at);
}
