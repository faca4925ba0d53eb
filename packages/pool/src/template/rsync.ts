import { type ExecaError, execa } from 'execa';
import { boundToUs } from '../bound.ts';
import { formatRules, type IgnoreRule } from './ignore.ts';
import { textOf } from './key.ts';
import type { Source } from './source.ts';

/** Exit codes of rsync(1): some source files vanished before they could be transferred. */
const VANISHED = 24;
const LINE_BREAK = 10;

/** rsync failed because what it read was changing. */
export class ChangingError extends Error {}

/** Without a window of -1 two times of the same second are equal, and a directory or link keeps the time of its copying. */
const FAITHFULLY = ['-aHAXS', '--numeric-ids', '--modify-window=-1'];

/** Nothing is written there: rsync wants a place to compare with, and must find none. */
const NOWHERE = '/nowhere/';

/**
 * The keys (see walk.ts) of what rsync copies of a template, the template itself included: what `.templateignore` means
 * is for rsync to say. Throws ChangingError, or what execa throws.
 */
export async function listIncluded(source: Source, signal?: AbortSignal): Promise<Set<string>> {
  // Names as they are but for line breaks and other control characters, which come as `\#012`.
  const options = ['-an', '-8', '--out-format=%n', '--exclude-from=-'];
  const included = new Set<string>();
  const split = createSplitter((line) => included.add(decodeName(line)));
  await rsync([...options, '--', `${source.dir}/`, NOWHERE], formatRules(source.rules), signal, split);
  return included;
}

/** What a pattern of `.templateignore` did to an entry. */
export interface Effect {
  readonly rule: IgnoreRule;
  readonly key: string;
}

/**
 * Has rsync say which pattern it left something out for, or kept it. Names may hold what rsync says between name and
 * pattern, so `isEntry` is asked which keys there are. Throws ChangingError, or what execa throws.
 */
export async function listEffects(source: Source, isEntry: (key: string) => boolean): Promise<Effect[]> {
  // On the command line, since rsync does not quote the patterns that it read from a file. Names begin with `=`.
  const patterns = source.rules.map(({ rule }) => Buffer.from(`--exclude=${rule}`, 'latin1').toString());
  const options = ['-an', '-8', '--debug=FILTER', '--out-format==%n', ...patterns];
  const bySaid = new Map(source.rules.toReversed().map((rule) => [saidOf(rule), rule]));
  const effects: Effect[] = [];
  const split = createSplitter((line) => {
    const effect = readEffect(decodeName(line), bySaid, isEntry);
    if (effect) effects.push(effect);
  });
  await rsync([...options, '--', `${source.dir}/`, NOWHERE], formatRules(source.rules), undefined, split);
  return effects;
}

/** Copies a template into an empty directory, faithfully. Throws ChangingError, or what execa throws. */
export async function copyIncluded(source: Source, to: string, signal?: AbortSignal): Promise<void> {
  const input = formatRules(source.rules);
  await rsync([...FAITHFULLY, '--exclude-from=-', '--', `${source.dir}/`, `${to}/`], input, signal);
}

/** An entry of a snapshot that is not as the template's, and how it differs. */
export interface Difference {
  readonly key: string;
  /** In words that follow its name. */
  readonly change: string;
}

/**
 * How a template differs from an earlier copy of it in what a copy keeps: names, types, sizes, times, modes, owners,
 * attributes, ACLs, where links lead. Contents are not looked at. Throws ChangingError, or what execa throws.
 */
export async function findDifferences(source: Source, copy: string, signal?: AbortSignal) {
  const options = [...FAITHFULLY, '-n8', '--delete', '--delete-excluded', ITEMIZED, '--exclude-from=-'];
  return listItems([...options, '--', `${source.dir}/`, `${copy}/`], formatRules(source.rules), signal);
}

/**
 * Compares all of a copy with the directory that it is of, contents too, and copies what differs, or is gone. Returns what
 * that was, in words; nothing means that the copy was as its source at the moment when the comparison began. What vanishes
 * meanwhile counts as different. Throws what execa throws.
 */
export async function findChanges(from: string, copy: string, signal?: AbortSignal): Promise<string[]> {
  const options = [...FAITHFULLY, '-xc8', '--delete', ITEMIZED];
  try {
    const differences = await listItems([...options, '--', `${from}/`, `${copy}/`], Buffer.alloc(0), signal);
    return differences.map(({ key, change }) => `${textOf(key)} ${change}`);
  } catch (error) {
    if (error instanceof ChangingError) return [error.message];
    const complaints = Buffer.from(((error as ExecaError).stderr ?? '') as Uint8Array)
      .toString()
      .split('\n')
      .filter(isComplaint);
    const isChange = (line: string) => SAID_OF_CHANGES.some((pattern) => pattern.test(line));
    if (complaints.length === 0 || !complaints.every(isChange)) throw error;
    return ['files changed or vanished while they were compared'];
  }
}

/** What rsync complains of where a file vanished, was written to or became shorter while it was read. */
const SAID_OF_CHANGES = [
  /: No such file or directory \(2\)$/,
  /^ERROR: .* failed verification -- update (?:discarded|retained)/,
  /^rsync: .*read errors mapping .*: No data available \(61\)$/,
];

/** Not the summary that rsync ends with. */
function isComplaint(line: string): boolean {
  return line.startsWith('rsync: ') || line.startsWith('ERROR: ');
}

/** Those of the files, by keys, whose content is another in the copy. Throws as `findDifferences`. */
export async function findChangedContents(
  source: Source,
  copy: string,
  keys: readonly string[],
  signal?: AbortSignal,
) {
  if (keys.length === 0) return [];
  const input = Buffer.from(keys.map((key) => `./${key}\0`).join(''), 'latin1');
  const options = ['-nc8', ITEMIZED, '--from0', '--files-from=-', '--no-implied-dirs'];
  return listItems([...options, '--', `${source.dir}/`, `${copy}/`], input, signal);
}

/** What rsync says of each entry that it would change, in the form of `--itemize-changes`. */
const ITEMIZED = '--out-format=%i %n';
/** `YXcstpoguax`, the name behind it. */
const ITEM = /^[<>ch.*]\S{8}.. (.*)$/s;
const CHANGES: Readonly<Record<string, string>> = {
  c: 'content',
  s: 'size',
  t: 'time',
  p: 'mode',
  o: 'owner',
  g: 'group',
  a: 'ACL',
  x: 'extended attributes',
};

async function listItems(args: readonly string[], input: Buffer, signal?: AbortSignal) {
  const differences: Difference[] = [];
  const split = createSplitter((line) => {
    const [, name] = ITEM.exec(line) ?? [];
    if (name !== undefined) differences.push({ key: decodeName(name), change: sayChange(line) });
  });
  await rsync(args, input, signal, split);
  return differences;
}

function sayChange(line: string): string {
  if (line.startsWith('*deleting')) return 'is gone';
  const flags = line.slice(2, 11);
  if (flags.startsWith('+')) return 'is new';
  const changed = [...flags].flatMap((flag) => CHANGES[flag] ?? []);
  return changed.length > 0 ? `changed (${[...new Set(changed)].join(', ')})` : 'changed';
}

/** Hands over what rsync prints as it comes: a list of millions of names is more than execa would keep. */
async function rsync(
  args: readonly string[],
  input: Buffer,
  signal?: AbortSignal,
  onOutput: (chunk: Buffer) => void = () => undefined,
): Promise<void> {
  try {
    const child = execa(...boundToUs('rsync', args), {
      env: { LC_ALL: 'C' },
      input,
      buffer: { stdout: false },
      encoding: 'buffer',
      ...(signal ? { cancelSignal: signal } : {}),
    });
    const read = async () => {
      for await (const chunk of child.stdout as AsyncIterable<Buffer>) onOutput(chunk);
    };
    await Promise.all([child, read()]);
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as ExecaError).exitCode !== VANISHED) throw error;
    throw new ChangingError('files vanished while they were copied', { cause: error });
  }
}

/** Splits output into lines; what a chunk ends in the middle of is put in front of the next. */
function createSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let start = 0;
    for (let end = data.indexOf(LINE_BREAK); end !== -1; end = data.indexOf(LINE_BREAK, start)) {
      onLine(data.toString('latin1', start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
  };
}

function decodeName(line: string): string {
  return line.replaceAll(/\\#([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

const EFFECT = /^\[sender\] (hid|show)ing (file|directory) /;
const BECAUSE = ' because of pattern ';

/** A rule as rsync names it. */
function saidOf({ kind, pattern }: Pick<IgnoreRule, 'kind' | 'pattern'>): string {
  return `${kind} ${pattern}`;
}

/** Reads `[sender] hiding file NAME because of pattern PATTERN`. */
function readEffect(
  line: string,
  bySaid: ReadonlyMap<string, IgnoreRule>,
  isEntry: (key: string) => boolean,
): Effect | null {
  const [start = '', action, type] = EFFECT.exec(line) ?? [];
  if (start === '') return null;
  const kind = action === 'hid' ? 'exclude' : 'include';
  for (let at = line.indexOf(BECAUSE); at !== -1; at = line.indexOf(BECAUSE, at + 1)) {
    const rule = bySaid.get(saidOf({ kind, pattern: line.slice(at + BECAUSE.length) }));
    const key = line.slice(start.length, at) + (type === 'directory' ? '/' : '');
    if (rule && isEntry(key)) return { rule, key };
  }
  return null;
}
