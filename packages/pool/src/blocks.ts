/** `%b` of find counts in these, whatever the filesystem's blocks are (find(1)). */
export const BLOCK_BYTES = 512;

/**
 * Nothing is compressed so well: blocks that are fewer than the data by more are not counted by the filesystem. Some (ZFS,
 * NFS) count them only when the data are on the disk, some (FUSE) never.
 */
export const BEST_COMPRESSION = 16;
