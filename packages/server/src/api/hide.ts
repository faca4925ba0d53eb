import type { Caller } from '../listen/callers.ts';

/** Takes out of an answer what its caller may not see. */
export type Hide = <T>(value: T) => T;

/** What stands for a path that the caller may not see. */
const HIDDEN = '…';

/**
 * For operators everything stays. For others the directories of pools and templates, and of Spica itself, are taken out of
 * every text, wherever it stands: reasons and errors quote paths.
 *
 * @param paths Absolute directories.
 */
export function createHide(paths: readonly string[]): (caller: Caller) => Hide {
  const longestFirst = [...new Set(paths)].filter((path) => path !== '/').sort((a, b) => b.length - a.length);
  const known = new RegExp(
    longestFirst.map((path) => path.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
    'g',
  );
  const hideText = (text: string) => (longestFirst.length === 0 ? text : text.replace(known, HIDDEN));
  const everything: Hide = (value) => value;
  const withoutPaths: Hide = (value) => walk(value, hideText) as typeof value;
  return ({ role }) => (role === 'operator' ? everything : withoutPaths);
}

const PRINTED = /its set-up \(.*\(what it printed: [^)]*\)/gs;

/** Takes out what the set-up of an instance printed: it knows the parameters, and may have shown them. */
export const withoutOutput: Hide = (value) =>
  walk(value, (text) => text.replace(PRINTED, 'its set-up failed')) as typeof value;

function walk(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => walk(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, walk(each, change)]));
}
