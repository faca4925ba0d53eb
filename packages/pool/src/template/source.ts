import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import {
  type Argv,
  messageOf,
  nullIfMissing,
  RefusedError,
  reasonOf,
  type TemplateConfig,
} from '@spica/core';
import { type IgnoreRule, parseIgnore } from './ignore.ts';
import { readOriginCommit, UNKNOWN_COMMIT } from './origin.ts';

/** A pool's templates by their names. */
export type Sources = Readonly<
  Record<string, Pick<TemplateConfig, 'path'> & Partial<Pick<TemplateConfig, 'prepare' | 'prepareTimeoutMs'>>>
>;

/** The command that prepares a template's snapshots. */
export interface Prepare {
  readonly argv: Argv;
  readonly timeoutMs: number;
}

/** Where a template lies. */
export interface Location {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly dir: string;
  /** Absolute, as the config names it. */
  readonly configured: string;
  /** What is run in each snapshot of it before anything is cloned from that; null for nothing. */
  readonly prepare: Prepare | null;
}

/** A template's directory, and what is said of it beside its entries. */
export interface Source extends Location {
  /** Whether its `.git` may lead out of it. */
  readonly allowGitFile: boolean;
  /** What `.templateignore` says; empty where there is none. */
  readonly rules: readonly IgnoreRule[];
  readonly version: string;
  readonly originCommit: string;
}

const IGNORE = '.templateignore';
/** So many lines that are wrong are quoted, and so much of each. */
const MOST_PROBLEMS = 3;
const MOST_TEXT = 100;

/**
 * Finds a template's directory. The pool's root need not be there. Throws RefusedError, by the template's name:
 * TEMPLATE_UNKNOWN, TEMPLATE_MISSING, TEMPLATE_OVERLAPS_POOL.
 */
export async function locateSource(root: string, sources: Sources, name: string): Promise<Location> {
  const source = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (source === undefined) {
    const known = Object.keys(sources).join(', ') || 'none';
    throw refuse(name, 'TEMPLATE_UNKNOWN', `there is none of that name (expected one of: ${known})`);
  }
  const { path, prepare: argv = null, prepareTimeoutMs: timeoutMs = Number.POSITIVE_INFINITY } = source;
  const [dir, realRoot] = await Promise.all([resolveDir(name, path), resolveRoot(root)]);
  checkApart(name, dir, realRoot);
  return { name, dir, configured: resolve(path), prepare: argv && { argv, timeoutMs } };
}

/**
 * Reads what is said of a template beside its entries. Throws RefusedError, by the template's name: TEMPLATE_EMPTY,
 * TEMPLATE_NO_VERSION, TEMPLATE_IGNORE_INVALID, TEMPLATE_UNREADABLE.
 */
export async function readSource(location: Location, allowGitFile: boolean): Promise<Source> {
  const { name, dir } = location;
  try {
    const names = await readdir(dir);
    if (names.length === 0) throw refuse(name, 'TEMPLATE_EMPTY', `${dir} is empty`);
    const [rules, version, originCommit] = await Promise.all([
      names.includes(IGNORE) ? readRules(name, dir) : [],
      readVersion(name, dir),
      readOriginCommit(dir),
    ]);
    return { ...location, allowGitFile, rules, version, originCommit };
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    throw refuse(name, 'TEMPLATE_UNREADABLE', `it cannot be read: ${messageOf(error)}`, error);
  }
}

/** How the commit that a template is at is recorded of its snapshots and instances. */
export function nameCommit({ originCommit }: Pick<Source, 'originCommit'>) {
  const short = originCommit === UNKNOWN_COMMIT ? UNKNOWN_COMMIT : originCommit.slice(0, 8);
  return { originCommit, templateRef: `git:${short}` };
}

/** A refusal of a template, by its name. */
export function refuse(name: string, code: string, reason: string, cause?: unknown): RefusedError {
  return new RefusedError(code, `template ${name}: ${reason}`, { template: name }, cause);
}

/** Without symbolic links; as it is where it is not there. */
async function resolveRoot(root: string): Promise<string> {
  return (await nullIfMissing(realpath(root))) ?? resolve(root);
}

async function resolveDir(name: string, configured: string): Promise<string> {
  try {
    const dir = await realpath(configured);
    if ((await stat(dir)).isDirectory()) return dir;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? `there is no ${configured}` : `${configured} cannot be read: ${reasonOf(cause)}`;
    throw refuse(name, 'TEMPLATE_MISSING', reason, cause);
  }
  throw refuse(name, 'TEMPLATE_MISSING', `expected a directory, but ${configured} is none`);
}

/** One inside the other would copy itself, or be pruned away. */
function checkApart(name: string, dir: string, root: string): void {
  if (dir !== root && !dir.startsWith(root + sep) && !root.startsWith(dir === sep ? sep : dir + sep)) return;
  throw refuse(
    name,
    'TEMPLATE_OVERLAPS_POOL',
    `${dir} and the pool's root ${root} must not lie in one another`,
  );
}

/** Throws RefusedError TEMPLATE_IGNORE_INVALID, or what the filesystem answers. */
async function readRules(name: string, dir: string): Promise<readonly IgnoreRule[]> {
  const path = join(dir, IGNORE);
  const found = await nullIfMissing(stat(path)); // null for a link to nothing: the name is in the directory
  if (!found?.isFile()) {
    const what = found ? 'it is no file' : 'it is a symbolic link to nothing';
    throw refuse(name, 'TEMPLATE_IGNORE_INVALID', `${IGNORE}: expected a file of patterns, but ${what}`);
  }
  const { rules, problems } = parseIgnore(await readFile(path));
  if (problems.length === 0) return rules;
  const said = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ line, text, reason }) => `line ${line}${text === '' ? '' : `, \`${shorten(text)}\``}: ${reason}`);
  const more = problems.length - said.length;
  const rest = more > 0 ? `; and ${more} more lines` : '';
  const reason = `${IGNORE}: ${said.join('; ')}${rest}`;
  throw new RefusedError('TEMPLATE_IGNORE_INVALID', `template ${name}: ${reason}`, {
    template: name,
    problems,
  });
}

function shorten(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

async function readVersion(name: string, dir: string): Promise<string> {
  const expected = 'expected a file VERSION with its version in the first line';
  const text = await nullIfMissing(readFile(join(dir, 'VERSION'), 'utf8'));
  if (text === null) throw refuse(name, 'TEMPLATE_NO_VERSION', `${expected}, but ${dir} has none`);
  const version = (text.split('\n', 1)[0] ?? '').trim();
  if (version !== '') return version;
  throw refuse(name, 'TEMPLATE_NO_VERSION', `${expected}, but that is empty`);
}
