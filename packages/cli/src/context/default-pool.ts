import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { CheckError, DEFAULT_POOL } from '@spica/core';
import { pathsOf, readMarker } from '@spica/pool';

/** The longest name that a pool may have is 32 characters. */
const MOST_OF_PROJECT = 24;
const DIGEST = 6;

/**
 * The name of the pool at the default root, where the config names none: what its marker says, which was written once
 * and for all; before there is one, `main`, or for a pool that is about to be made a name of its own.
 */
export async function defaultPoolAt(root: string, { isNew }: { readonly isNew: boolean }): Promise<string> {
  const marker = await readMarker(pathsOf(root)).catch((error: unknown) => {
    // Whoever opens the pool says what is wrong with it.
    if (error instanceof CheckError) return { name: DEFAULT_POOL };
    throw error;
  });
  return marker?.name ?? (isNew ? nameOf(root) : DEFAULT_POOL);
}

/**
 * The project's directory and a digest of the path: `tournament-3f2a1c`. Projects of one user share a Redis, where a pool
 * is known by its name.
 */
function nameOf(root: string): string {
  const project = basename(dirname(root))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-');
  const word = project.slice(0, MOST_OF_PROJECT).replaceAll(/^-|-$/g, '') || 'pool';
  return `${word}-${createHash('sha256').update(root).digest('hex').slice(0, DIGEST)}`;
}
