import * as z from 'zod';

/** The keys that a schema knows at a path; none where any name is allowed. */
export function knownKeys(schema: unknown, path: readonly PropertyKey[]): string[] {
  let at = unwrap(schema);
  for (const key of path) {
    if (at instanceof z.ZodObject) at = unwrap(at.shape[String(key)]);
    else if (at instanceof z.ZodRecord) at = unwrap(at.def.valueType);
    else if (at instanceof z.ZodArray) at = unwrap(at.def.element);
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: unknown): unknown {
  const wraps =
    schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
  if (wraps) return unwrap(schema.def.innerType);
  if (schema instanceof z.ZodUnion) return schema.def.options.find((form) => form instanceof z.ZodObject);
  return schema;
}

/** What to say to a key that is not known: the one that was probably meant, or all there are. */
export function suggestKey(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(key.toLowerCase().replaceAll('-', '_'), name) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return nearest ? `did you mean ${nearest.name}?` : `expected one of ${known.join(', ')}`;
}

/** Least number of letters to insert, drop or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
