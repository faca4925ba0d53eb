import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { searchTree, subvolumeNumber } from '../../packages/pool/src/native/btrfs-tree.ts';
import { removeTree } from '../../packages/pool/src/remove/remove-tree.ts';
import { syncFilesystem } from '../../packages/pool/src/sync.ts';
import type { ImageSite } from '../../test/support/image.ts';
import { median, time } from './figures.ts';

/** Where a struct btrfs_root_item, in a tree of that number and of items of that type, has its generation. */
const ROOTS = { tree: 1n, item: 132, generationAt: 160 };

/** What the look would come to with the template as a subvolume in the image: a commit, and one call for its generation. */
export async function measureGeneration(site: ImageSite, rounds: number): Promise<void> {
  const subvolume = join(site.root, 'template-in-image');
  await execa('btrfs', ['subvolume', 'create', subvolume]);
  await execa('cp', ['-a', '--', `${join(site.dir, 'template')}/.`, subvolume]);
  const number = subvolumeNumber(subvolume);
  const look = async () => {
    await syncFilesystem(subvolume); // what was written is in no generation before
    const of = { tree: ROOTS.tree, objects: [number, number], types: [ROOTS.item, ROOTS.item] } as const;
    const [root] = [...searchTree(subvolume, of)];
    return root?.data.readBigUInt64LE(ROOTS.generationAt);
  };
  const before = await look();
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await time(look));
  const isStill = (await look()) === before;
  await appendFile(join(subvolume, 'VERSION'), 'x');
  const hasMoved = (await look()) !== before;
  console.log(
    `a template in the image: its generation ${median(times).toFixed(1)}, ${isStill ? 'the same' : 'MOVED'} while nothing ` +
      `is written, ${hasMoved ? 'another' : 'THE SAME'} after a write`,
  );
  await removeTree(subvolume);
}
