import { basename } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, visit, type YAMLError } from 'yaml';
import { configError } from './issues.ts';
import { isTree, type Layers, placeOf } from './layers.ts';
import { redactText } from './redact.ts';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads the file into empty layers, each value with its line.
 * Throws UsageError CONFIG_INVALID where it is not YAML, gives a key twice, or is not a map.
 */
export function readYaml({ path, text }: ConfigFile): Layers {
  const name = basename(path);
  const lines = new LineCounter();
  const sourceAt = (offset: number | undefined) => `${name}:${lines.linePos(offset ?? 0).line}`;
  // Keys given twice are looked for below: the parser would not say which.
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const problems = document.errors.map(
    (error) => `${sourceAt(error.pos[0])}: not valid YAML: ${plainly(error)}`,
  );
  if (problems.length > 0) throw configError(problems);

  visit(document, {
    Alias(_, alias) {
      if (!alias.resolve(document))
        problems.push(`${sourceAt(alias.range?.[0])}: alias without an anchor before it`);
    },
  });
  const sources = new Map<string, string>();
  const mark = (node: unknown, above: readonly string[]): void => {
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
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

  const tree = toTree(() => document.toJS() ?? {}, name);
  if (!isTree(tree))
    throw configError([`${sourceAt(document.contents?.range?.[0])}: expected a map of settings`]);
  return { tree, sources };
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
