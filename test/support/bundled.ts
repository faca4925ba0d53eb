import { join } from 'node:path';
import { bundle, COMMAND } from '../../scripts/build/bundle.ts';
import { copyExternals } from '../../scripts/build/externals.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

/**
 * Bundles programs of the tests, by name (absolute paths), into a directory, as `spica` itself is: for those
 * that a test starts many times, as a start from the sources takes five times as much. What is to be started is `NAME.js`
 * in the directory that it resolves with.
 */
export async function bundlePrograms(
  programs: Readonly<Record<string, string>>,
  dir: string,
): Promise<string> {
  await bundle(CHECKOUT, dir, { tasks: COMMAND['tasks'] ?? '', ...programs });
  await copyExternals(CHECKOUT, dir);
  return join(dir, 'lib');
}
