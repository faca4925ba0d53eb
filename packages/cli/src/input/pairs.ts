import { type Param, UsageError } from '@spica/core';

/** Splits `K=V` at the first `=`; the last of several for one K wins. Throws UsageError FLAG_INVALID. */
export function splitPairs(flag: string, pairs: readonly string[]): [string, string][] {
  return pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    const shown = pair.length > 80 ? `${pair.slice(0, 80)}…` : pair;
    throw new UsageError('FLAG_INVALID', `${flag}: expected NAME=value, got "${shown}"`, { flag });
  });
}

/**
 * `--set` values: true, false and numbers are what they are, anything else is text. A number that would be written
 * otherwise than it was given (`1.10`, `1e3`, more digits than it can hold) stays text: `.env.spica` gets what was typed.
 */
export function parseParams(pairs: readonly string[]): Record<string, Param> {
  return Object.fromEntries(splitPairs('--set', pairs).map(([name, text]) => [name, parseParam(text)]));
}

export function parseLabels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(splitPairs('--label', pairs));
}

export function parseParam(text: string): Param {
  if (text === 'true' || text === 'false') return text === 'true';
  const value = Number(text);
  return Number.isFinite(value) && String(value) === text ? value : text;
}
