import { dirname } from 'node:path';
import type { ImageNote } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** A directory on a further disk that fills with the pool's. */
export interface WatchedDisk {
  readonly dir: string;
  /** Follows "available" in the sum. */
  readonly name: string;
  /** The pool's sparse image, where that lies there: what is deleted in it comes back there too. */
  readonly image: ImageNote | null;
}

/** The disks below a pool's own: that of its sparse image, which gives back what is deleted, and those of its policy. */
export function watchedDisks({ policy, image }: Pick<PoolContext, 'policy' | 'image'>): WatchedDisk[] {
  const named = policy.disk.alsoWatch.map((dir) => {
    return { dir, name: `on ${dir} (disk.also_watch)`, image: null };
  });
  if (!image || image.allocate) return named;
  const dir = dirname(image.file);
  return [{ dir, name: `on ${dir}, where the image lies`, image }, ...named];
}
