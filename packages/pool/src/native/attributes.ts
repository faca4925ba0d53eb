import { type BigIntStats, chmodSync, lchownSync } from 'node:fs';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, cString, lastError, llistxattr, utimensat } from './libc.ts';

/** What the kernel says where a filesystem keeps no extended attributes. */
const NONE_KEPT = ['ENOTSUP', 'EOPNOTSUPP'];
const NS_PER_S = 1_000_000_000n;

/**
 * Gives a directory the owner, mode and times of `stat`, to the nanosecond. What an ordinary user may not give is left.
 * Throws what the filesystem says.
 */
export function copyStat(stat: BigIntStats, to: string): void {
  chown(to, stat);
  chmodSync(to, Number(stat.mode & 0o7777n));
  setTimes(to, stat);
}

function chown(path: string, { uid, gid }: BigIntStats): void {
  try {
    lchownSync(path, Number(uid), Number(gid));
  } catch (error) {
    if (process.geteuid?.() === 0 || (error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** Sets a path's times, to the nanosecond: Node's own `lutimes` keeps microseconds. Throws what the filesystem says. */
export function setTimes(path: string, { atimeNs, mtimeNs }: Pick<BigIntStats, 'atimeNs' | 'mtimeNs'>): void {
  const times = Buffer.alloc(32); // two of struct timespec
  [atimeNs, mtimeNs].forEach((ns, i) => {
    const rest = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
    times.writeBigInt64LE((ns - rest) / NS_PER_S, 16 * i);
    times.writeBigInt64LE(rest, 16 * i + 8);
  });
  if (utimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW) !== 0)
    throw lastError('utimensat', path);
}

/**
 * Whether a path has extended attributes or ACLs. Labels of the system's (`security.*`) do not count: the kernel gives
 * each new entry its own. Throws what the filesystem says.
 */
export function hasAttributes(path: string): boolean {
  const names = Buffer.alloc(64 * 1024); // the kernel lists no more (XATTR_LIST_MAX)
  const length = llistxattr(cString(path), names, names.length);
  if (length >= 0) return /(^|\0)(?!security\.)[^\0]/.test(names.toString('latin1', 0, length));
  const error = lastError('llistxattr', path);
  if (NONE_KEPT.includes(error.code ?? '')) return false;
  throw error;
}
