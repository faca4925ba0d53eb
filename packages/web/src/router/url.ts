/** The parameters of a path that a pattern like `/requests/:id` matches; null where it does not. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | null {
  const expected = pattern.split('/');
  const given = path.replace(/(?<=.)\/+$/, '').split('/');
  if (given.length !== expected.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const text = decode(given[index] ?? '');
    if (part.startsWith(':')) params[part.slice(1)] = text;
    else if (part !== text) return null;
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone percent sign
  }
}

/** What to change of a query: null and an empty text take a name away, a list gives it several values. */
export type QueryChanges = Readonly<Record<string, string | readonly string[] | null>>;

/** A query with some names changed, in the order of their names, so that the same state always has the same URL. */
export function changeQuery(query: URLSearchParams, changes: QueryChanges): URLSearchParams {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const each of [value ?? ''].flat()) if (each !== '') next.append(name, each);
  }
  next.sort();
  return next;
}
