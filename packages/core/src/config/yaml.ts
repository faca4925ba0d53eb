import { basename } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { configError } from './config-error.ts';
import { isTree, type Layers, placeOf } from './layers.ts';
import { isOlderSystems } from './legacy.ts';
import { redactText } from './redact.ts';
import { LEGACY_BLOCK } from './schema.ts';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** The parser says nothing by itself: problems are reported here, each with its place. */
const AS_TOLD_HERE = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;

/**
 * Reads the file into empty layers, each value with the line of its key, of an alias's with that in what it stands for.
 * `ignored`: the keys at the top of an older system's file that were not read. Throws UsageError CONFIG_INVALID where it is not YAML, gives a key twice, or is not a map.
 */
export function readYaml({
  path,
  text,
}: ConfigFile): Pick<Layers, 'tree' | 'sources'> & { ignored: string[] } {
  const name = basename(path);
  const lines = new LineCounter();
  const sourceAt = (offset: number | undefined) => `${name}:${lines.linePos(offset ?? 0).line}`;
  // Keys given twice are looked for below: the parser would not say which.
  const document = parseDocument(text, { lineCounter: lines, ...AS_TOLD_HERE });
  const problems = document.errors.map(
    (error) => `${sourceAt(error.pos[0])}: not valid YAML: ${plainly(error)}`,
  );
  if (problems.length > 0) throw configError(problems);

  refuseLooseAliases(document, sourceAt);
  // First, since it refuses what would take for ever to follow.
  const tree = toTree(() => document.toJS() ?? {}, name);
  const sources = new Map<string, string>();
  const keys = topKeys(document);
  const isRead = (key: string) => !isOlderSystems(keys) || key === LEGACY_BLOCK;
  const mark = (given: unknown, above: readonly string[]): void => {
    const node = isAlias(given) ? given.resolve(document) : given;
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (above.length === 0 && !isRead(isScalar(key) ? String(key.value) : '?')) continue;
      const source = sourceAt(isScalar(key) ? key.range?.[0] : node.range?.[0]);
      const inner = [...above, isScalar(key) ? String(key.value) : '?'];
      const dotted = redactText(inner.join('.'));
      const first = sources.get(placeOf(inner));
      if (!isScalar(key)) problems.push(`${dotted}: expected a text as key (${source})`);
      else if (key.value === '__proto__') problems.push(`${dotted}: unknown key (${source})`);
      else if (first) problems.push(`${dotted}: given twice, first at ${first} (${source})`);
      sources.set(placeOf(inner), source);
      if (!first) mark(value, inner);
    }
  };
  mark(document.contents, []);
  if (problems.length > 0) throw configError(problems);

  if (!isTree(tree))
    throw configError([`${sourceAt(document.contents?.range?.[0])}: expected a map of settings`]);
  const read = Object.fromEntries(Object.entries(tree).filter(([key]) => isRead(key)));
  return { tree: unshare(read), sources, ignored: keys.filter((key) => !isRead(key)) };
}

function topKeys({ contents }: Document): string[] {
  if (!isMap(contents)) return [];
  return [...new Set(contents.items.map(({ key }) => (isScalar(key) ? String(key.value) : '?')))];
}

function refuseLooseAliases(document: Document, sourceAt: (offset: number | undefined) => string): void {
  const problems: string[] = [];
  visit(document, {
    Alias(_, alias, above) {
      const meant = alias.resolve(document);
      const source = sourceAt(alias.range?.[0]);
      if (!meant) problems.push(`${source}: alias without an anchor before it`);
      else if (above.includes(meant)) problems.push(`${source}: alias of what it is a part of`);
    },
  });
  if (problems.length > 0) throw configError(problems);
}

/** What an anchor and its aliases stand for is one object to the parser: a layer above must be able to change each. */
function unshare<T>(value: T): T {
  if (Array.isArray(value)) return value.map(unshare) as T;
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unshare(inner)])) as T;
}

function toTree(read: () => unknown, name: string): unknown {
  try {
    return read();
  } catch (error) {
    // The parser's guard against aliases that multiply.
    if (error instanceof ReferenceError) throw configError([`${name}: not valid YAML: ${error.message}`]);
    throw error;
  }
}

/** The parser's message without the piece of the file that some quote: it may be of a password. */
function plainly({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'expected one document, got several';
  return message.replace(/[:"\\][\s\S]*$/, '');
}
