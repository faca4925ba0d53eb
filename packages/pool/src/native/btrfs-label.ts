import { call } from './btrfs-call.ts';

/** `_IOR(0x94, 49, char[256])` and `_IOW(0x94, 50, char[256])` of linux/btrfs.h. */
const GET_FSLABEL = 0x81009431;
const SET_FSLABEL = 0x41009432;
const LABEL_BYTES = 256;

/**
 * Gives the btrfs that is mounted at `dir` this label, of at most 255 bytes, where it has another one. Needs root. Throws
 * what the kernel says.
 */
export function labelBtrfs(dir: string, label: string): void {
  const args = Buffer.alloc(LABEL_BYTES);
  call(dir, 'BTRFS_IOC_GET_FSLABEL', GET_FSLABEL, args);
  if (args.toString('utf8', 0, args.indexOf(0)) === label) return;
  args.fill(0).write(label, 'utf8');
  call(dir, 'BTRFS_IOC_SET_FSLABEL', SET_FSLABEL, args);
}
