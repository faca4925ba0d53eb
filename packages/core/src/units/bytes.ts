const UNITS = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

const SIZE = /^(\d+(?:\.\d+)?) ?(?:([kKMGT])(i?)B?|B)$/;
const EXPONENTS: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4 };
/** What `parseBytes` expects, for messages. */
export const BYTES_EXPECTED = 'expected a size like 200G, 512MB or 1.5TiB';

/** Reads a size as people write one, decimal unless it says otherwise (`GiB`); null for anything else. In whole bytes. */
export function parseBytes(text: string): number | null {
  const [, figure, unit = '', binary] = SIZE.exec(text) ?? [];
  if (figure === undefined) return null;
  return Math.floor(Number(figure) * (binary ? 1024 : 1000) ** (EXPONENTS[unit.toUpperCase()] ?? 0));
}

/** Bytes for people, in decimal units: `12.4 GB`, `830 B`. */
export function formatBytes(bytes: number): string {
  const unit = unitOf(bytes);
  return unit ? `${(bytes / unit[1]).toFixed(1)} ${unit[0]}` : `${Math.round(bytes)} B`;
}

/** With three significant digits, for a figure that is multiplied: `1.55 GB`, `12.4 GB`, `124 GB`. */
export function formatBytesFinely(bytes: number): string {
  const unit = unitOf(bytes);
  if (!unit) return `${Math.round(bytes)} B`;
  const figure = bytes / unit[1];
  const whole = Math.abs(figure);
  return `${figure.toFixed(whole < 9.995 ? 2 : whole < 99.95 ? 1 : 0)} ${unit[0]}`;
}

/**
 * Formats the terms of a sum in the unit of its largest: `inUnit` with the unit (`61.0 GB`), `bare` without it (`9.3`).
 * A term too small for that unit keeps its own (`4.1 MB`), so that none reads as nothing.
 */
export function formatTerms(terms: readonly number[]): {
  readonly inUnit: (bytes: number) => string;
  readonly bare: (bytes: number) => string;
} {
  const unit = unitOf(Math.max(...terms.map(Math.abs)));
  if (!unit) return { inUnit: formatBytes, bare: formatBytes };
  const [name, factor] = unit;
  const format = (bytes: number, suffix: string) =>
    bytes !== 0 && Math.abs(bytes) < factor * 0.05
      ? formatBytes(bytes)
      : `${(bytes / factor).toFixed(1)}${suffix}`;
  return { inUnit: (bytes) => format(bytes, ` ${name}`), bare: (bytes) => format(bytes, '') };
}

function unitOf(bytes: number) {
  const size = Math.abs(bytes);
  // From 0.99995 of a unit on, one decimal of the next smaller one would read 1000.0.
  return UNITS.find(([, factor]) => size >= factor * 0.999_95);
}
