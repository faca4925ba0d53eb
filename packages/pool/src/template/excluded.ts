import { execa } from 'execa';
import { inBackground } from '../background.ts';
import { BLOCK_BYTES } from '../blocks.ts';
import type { IgnoreRule } from './ignore.ts';
import { textOf } from './key.ts';
import { listEffects } from './rsync.ts';
import type { Source } from './source.ts';
import type { Survey } from './survey.ts';

/** What a pattern of `.templateignore` leaves out or keeps. */
export interface PatternReport {
  /** Where it stands, from 1. */
  readonly line: number;
  readonly kind: IgnoreRule['kind'];
  readonly pattern: string;
  /** What it left out, with all that lies below; or how many it kept from the patterns after it. 0: it matches nothing. */
  readonly entries: number;
  /** Allocated bytes of what it left out, hard links once; null where it keeps. */
  readonly bytes: number | null;
}

/** What of a template is not cloned. */
export interface ExcludedReport {
  readonly patterns: readonly PatternReport[];
  readonly entries: number;
  readonly bytes: number;
  /** False where a part could not be read: there may be more. */
  readonly isComplete: boolean;
}

/** Entries and allocated bytes. */
interface Sum {
  entries: number;
  bytes: number;
}

/**
 * Tells what each pattern left out and kept, in the words of rsync, and how much that is: one walk, with low priority.
 * Throws ChangingError, or what execa throws.
 */
export async function reportExcluded(source: Source, { included, leftOut }: Survey): Promise<ExcludedReport> {
  const effects = await listEffects(source, (key) => leftOut.has(key) || included.has(key));
  const sizes = await measureTrees(source.dir, leftOut);
  const sums = new Map<IgnoreRule, Sum>(source.rules.map((rule) => [rule, { entries: 0, bytes: 0 }]));
  for (const { rule, key } of effects) {
    const sum = sums.get(rule);
    if (!sum) continue;
    const { entries, bytes } = sizes.of(key);
    sum.entries += rule.kind === 'include' ? 1 : entries;
    sum.bytes += bytes;
  }
  return {
    patterns: [...sums].map(([{ line, kind, pattern }, { entries, bytes }]) => ({
      line,
      kind,
      pattern: textOf(pattern),
      entries,
      bytes: kind === 'include' ? null : bytes,
    })),
    ...sizes.total,
    isComplete: sizes.isComplete,
  };
}

interface Sizes {
  /** Of what lies at a key, with all that is below it. */
  of(key: string): Readonly<Sum>;
  readonly total: Readonly<Sum>;
  readonly isComplete: boolean;
}

/** Measures what lies at the keys, all in one walk; hard links once. What vanishes meanwhile counts as nothing. */
async function measureTrees(dir: string, keys: ReadonlySet<string>): Promise<Sizes> {
  const sums = new Map<string, Sum>();
  const total: Sum = { entries: 0, bytes: 0 };
  const inodes = new Set<string>();
  const count = (line: string) => {
    const [, inode = '', blocks, links, start = ''] = LINE.exec(line) ?? [];
    const isNew = links === '1' || !inodes.has(inode);
    if (links !== '1') inodes.add(inode);
    const bytes = isNew ? Number(blocks) * BLOCK_BYTES : 0;
    const sum = sums.get(start) ?? { entries: 0, bytes: 0 };
    sums.set(start, sum);
    for (const each of [sum, total]) {
      each.entries += 1;
      each.bytes += bytes;
    }
  };
  const isComplete = keys.size === 0 || (await walkTrees(dir, keys, count));
  return { of: (key) => sums.get(startOf(key)) ?? { entries: 0, bytes: 0 }, total, isComplete };
}

const FORMAT = '%D:%i %b %n %H\\0';
const LINE = /^(\S+) (\d+) (\d+) (.*)$/s;

/** Hands over a line for each entry in the trees. False where find could not read all of it. */
async function walkTrees(
  dir: string,
  keys: ReadonlySet<string>,
  onLine: (line: string) => void,
): Promise<boolean> {
  const [command, args] = inBackground('find', ['-P', '-files0-from', '-', '-printf', FORMAT]);
  const child = execa(command, args, {
    cwd: dir,
    env: { LC_ALL: 'C' },
    input: Buffer.from([...keys].map((key) => `${startOf(key)}\0`).join(''), 'latin1'),
    buffer: { stdout: false },
    encoding: 'buffer',
    reject: false, // a part that vanished or cannot be read ends it with 1
  });
  let rest = '';
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString('latin1')).split('\0');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  }
  const { exitCode, message } = await child;
  if (exitCode === undefined || exitCode > 1)
    throw new Error(`measuring what is left out failed: ${message}`);
  return exitCode === 0;
}

/** As find takes and prints a starting point. */
function startOf(key: string): string {
  return `./${key.endsWith('/') ? key.slice(0, -1) : key}`;
}
