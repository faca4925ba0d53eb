/** Where a value came from, for people: `spica.yaml:7`, `env REDIS_URL`, `flag --port`, `default`. */
export type Source = string;

export type Path = readonly PropertyKey[];

/** A tree of settings as the layers put it together, and where each value came from. */
export interface Layers {
  tree: Record<string, unknown>;
  /** By `placeOf` the path. */
  readonly sources: Map<string, Source>;
  /** What the pool is called that there is where none is given. */
  readonly defaultPool: string;
}

/** What the pool is called that there is without any in the config, before it has a name of its own. */
export const DEFAULT_POOL = 'main';

/** The key of a path in `sources`. Not a dotted path: a key may hold dots itself. */
export function placeOf(path: Path): string {
  return path.map(String).join('\0');
}

/** The source of the value at a path, or of the nearest thing above it that was given. */
export function sourceOf({ sources }: Layers, path: Path): Source {
  for (let length = path.length; length > 0; length -= 1) {
    const source = sources.get(placeOf(path.slice(0, length)));
    if (source) return source;
  }
  return 'default';
}

/**
 * Puts one value into the tree; later layers win. Where something other than a map is in the way it is left as it is,
 * so that the schema can refuse it: a layer above must not hide it.
 */
export function put(
  { tree, sources }: Layers,
  path: readonly string[],
  value: unknown,
  source: Source,
): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(at, key)) at[key] = {};
    const inner = at[key];
    if (!isTree(inner)) return;
    at = inner;
  }
  const last = path.at(-1);
  if (last === undefined) return;
  at[last] = value;
  sources.set(placeOf(path), source);
}

/** The value that was given at a path; undefined where none was. */
export function valueAt({ tree }: Layers, path: Path): unknown {
  let at: unknown = tree;
  for (const key of path) {
    const isInside = (isTree(at) || Array.isArray(at)) && Object.hasOwn(at, key);
    at = isInside ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  }
  return at;
}

/** The pools that were given, or the one that there is without any. */
export function poolNames({ tree, defaultPool }: Layers): string[] {
  return isTree(tree['pools']) ? Object.keys(tree['pools']) : [defaultPool];
}

export function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
