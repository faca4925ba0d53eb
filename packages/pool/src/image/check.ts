import { CheckError } from '@spica/core';
import type { PoolPlace } from '../marker/marker.ts';
import { requireMounted } from './show.ts';
import { tryTool } from './tool.ts';

/**
 * Reads all of an image and compares it with its checksums (a scrub), which may take minutes and is gentle on others.
 * Resolves when nothing is wrong. Throws CheckError IMAGE_DAMAGED with what was found, and what `requireMounted` throws.
 */
export async function checkImage(place: PoolPlace): Promise<void> {
  const { file, isReadOnly } = await requireMounted(place);
  const args = ['scrub', 'start', '-B', ...(isReadOnly ? ['-r'] : []), place.root];
  const { failed, stdout, complaint } = await tryTool('btrfs', args);
  const summary = /^Error summary:\s+(.*)$/m.exec(stdout)?.[1];
  if (!failed && summary === 'no errors found') return;
  throw new CheckError(
    'IMAGE_DAMAGED',
    `pool ${place.name}: the scrub of ${file} found: ${summary ?? complaint}; the kernel's log names what is hit`,
    { file },
  );
}
