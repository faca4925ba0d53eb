import type { Add } from './add.ts';

/** Commands about the image that a pool lives in. */
export function addImageCommands(add: Add): void {
  add('show', 'its file, size, what it takes of the disk, and whether it is mounted', async () => {
    return (await import('../commands/image.ts')).imageShow;
  });
  add('grow', 'make it larger, also while it is in use', async () => {
    return (await import('../commands/image.ts')).imageGrow;
  }).argument('<size>', 'what it is to have in all, like 300G');
  add('check', 'compare all that is in it with its checksums', async () => {
    return (await import('../commands/image.ts')).imageCheck;
  });
  add('unmount', 'unmount it, unless something is in use', async () => {
    return (await import('../commands/image.ts')).imageUnmount;
  });
}
