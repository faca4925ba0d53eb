import { findMistake } from './ignore-mistakes.ts';
import { textOf } from './key.ts';

/** One pattern of `.templateignore`. */
export interface IgnoreRule {
  /** Where it stands, from 1. */
  readonly line: number;
  /** As rsync takes it: `NAME`, `- NAME` or `+ NAME`; each byte is one character. */
  readonly rule: string;
  /** A `+` keeps what it matches from the patterns after it. */
  readonly kind: 'exclude' | 'include';
  /** The pattern itself. */
  readonly pattern: string;
}

/** A line that rsync would take for something else than its author meant. */
export interface IgnoreProblem {
  readonly line: number;
  readonly text: string;
  readonly reason: string;
}

/** What `.templateignore` says. */
export interface Ignore {
  readonly rules: readonly IgnoreRule[];
  readonly problems: readonly IgnoreProblem[];
}

/** More than anyone writes, and few enough for a command line. */
export const MOST_IGNORE_BYTES = 128 * 1024;

/** What looks like nothing at the ends of a line: blanks, a byte order mark, and blanks that only UTF-8 has. */
const BLANK = '(?:[ \\t\\v\\f]|\\xef\\xbb\\xbf|\\xc2\\xa0|\\xe2\\x80\\x8b|\\xe3\\x80\\x80)+';
const BLANKS = new RegExp(`^${BLANK}|${BLANK}$`, 'g');
/** rsync ends a line at each of them. */
const LINE_END = /\r\n|\r|\n/;

/**
 * Reads the patterns as rsync does, without the marks and blanks around them that would make them match nothing, and
 * tells which lines cannot be meant as rsync would take them. Says nothing of what a pattern matches: that is rsync's.
 */
export function parseIgnore(content: Buffer): Ignore {
  const problem = problemOfFile(content);
  if (problem !== null) return { rules: [], problems: [{ line: 1, text: '', reason: problem }] };
  const rules: IgnoreRule[] = [];
  const problems: IgnoreProblem[] = [];
  for (const [i, raw] of content.toString('latin1').split(LINE_END).entries()) {
    const text = raw.replaceAll(BLANKS, '');
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue;
    const rule = readRule(text);
    const reason = findMistake(rule.rule);
    if (reason === null) rules.push({ line: i + 1, ...rule });
    else problems.push({ line: i + 1, text: textOf(text), reason: textOf(reason) });
  }
  return { rules, problems };
}

/** The rules as a file that rsync reads with `--exclude-from`. */
export function formatRules(rules: readonly IgnoreRule[]): Buffer {
  return Buffer.from(rules.map(({ rule }) => `${rule}\n`).join(''), 'latin1');
}

function problemOfFile(content: Buffer): string | null {
  const start = content.toString('latin1', 0, 2);
  if (start === '\xff\xfe' || start === '\xfe\xff') return 'the file is in UTF-16: save it in UTF-8';
  if (content.length <= MOST_IGNORE_BYTES) return null;
  return `the file has ${content.length} bytes: expected at most ${MOST_IGNORE_BYTES}`;
}

/** Blanks after a `- ` or `+ ` would be part of the name, and are as little meant as those before it. */
function readRule(text: string): Omit<IgnoreRule, 'line'> {
  const [, mark, rest] = /^([-+]) (.*)$/s.exec(text) ?? [];
  if (mark === undefined || rest === undefined) return { rule: text, kind: 'exclude', pattern: text };
  const pattern = rest.replaceAll(BLANKS, '');
  return { rule: `${mark} ${pattern}`, kind: mark === '+' ? 'include' : 'exclude', pattern };
}
