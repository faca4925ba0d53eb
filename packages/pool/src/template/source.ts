import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { RefusedError } from '@spica/core';
import type { Pool } from '../layout.ts';
import { nullIfMissing } from '../missing.ts';
import { readOriginCommit } from './origin.ts';

/** A template's directory, and what is said of it beside its entries. */
export interface Source {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly dir: string;
  /** Bytes of `.templateignore`; empty where there is none. */
  readonly ignore: Buffer;
  readonly version: string;
  readonly originCommit: string;
}

/**
 * Finds a template's directory, absolute and without symbolic links. Throws RefusedError, by the template's name:
 * TEMPLATE_UNKNOWN, TEMPLATE_MISSING, TEMPLATE_OVERLAPS_POOL.
 */
export async function locateSource(
  pool: Pool,
  sources: Readonly<Record<string, string>>,
  name: string,
): Promise<string> {
  const configured = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (configured === undefined) {
    const known = Object.keys(sources).join(', ') || 'none';
    throw refuse(name, 'TEMPLATE_UNKNOWN', `there is none of that name (expected one of: ${known})`);
  }
  const [dir, root] = await Promise.all([resolveDir(name, configured), realpath(pool.paths.root)]);
  checkApart(name, dir, root);
  return dir;
}

/**
 * Reads what is said of a template beside its entries. Throws RefusedError, by the template's name: TEMPLATE_EMPTY,
 * TEMPLATE_NO_VERSION, TEMPLATE_UNREADABLE.
 */
export async function readSource(name: string, dir: string): Promise<Source> {
  try {
    if ((await readdir(dir)).length === 0) throw refuse(name, 'TEMPLATE_EMPTY', `${dir} is empty`);
    const [ignore, version, originCommit] = await Promise.all([
      readIgnore(dir),
      readVersion(name, dir),
      readOriginCommit(dir),
    ]);
    return { name, dir, ignore, version, originCommit };
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    throw refuse(name, 'TEMPLATE_UNREADABLE', `it cannot be read: ${(error as Error).message}`, error);
  }
}

/** A refusal of a template, by its name. */
export function refuse(name: string, code: string, reason: string, cause?: unknown): RefusedError {
  return new RefusedError(code, `template ${name}: ${reason}`, { template: name }, cause);
}

async function resolveDir(name: string, configured: string): Promise<string> {
  try {
    const dir = await realpath(configured);
    if ((await stat(dir)).isDirectory()) return dir;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `there is no ${configured}` : `${configured} cannot be read: ${cause}`;
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

async function readIgnore(dir: string): Promise<Buffer> {
  return (await nullIfMissing(readFile(join(dir, '.templateignore')))) ?? Buffer.alloc(0);
}

async function readVersion(name: string, dir: string): Promise<string> {
  const expected = 'expected a file VERSION with its version in the first line';
  const text = await nullIfMissing(readFile(join(dir, 'VERSION'), 'utf8'));
  if (text === null) throw refuse(name, 'TEMPLATE_NO_VERSION', `${expected}, but ${dir} has none`);
  const version = (text.split('\n', 1)[0] ?? '').trim();
  if (version !== '') return version;
  throw refuse(name, 'TEMPLATE_NO_VERSION', `${expected}, but that is empty`);
}
