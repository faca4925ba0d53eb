import { type BigIntStats, chmodSync, lchownSync, lstatSync } from 'node:fs';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  cString,
  lastError,
  lgetxattr,
  llistxattr,
  lremovexattr,
  lsetxattr,
  utimensat,
} from './libc.ts';

type Path = string | Buffer;

/** A default ACL of the directory above makes them, asked for or not. */
const ACL = 'system.posix_acl_';
/** An ordinary user may not set all that may be read, and not every disk keeps it: `cp -a` passes over it too. */
const NOT_KEPT = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ENODATA'];
const NS_PER_S = 1_000_000_000n;

/**
 * Gives `to` the owner, mode, extended attributes, ACLs and times of `from`, as `cp -a` does; links are not followed.
 * What an ordinary user may not give is left. Throws what the filesystem says.
 */
export function copyAttributes(from: Path, to: Path): void {
  copyStat(lstatSync(from, { bigint: true }), to);
  const names = listXattrs(from);
  for (const name of listXattrs(to)) {
    if (name.startsWith(ACL) && !names.includes(name)) lremovexattr(cString(to), bytesOf(name));
  }
  for (const name of names) copyXattr(name, from, to);
}

/** Gives a path the owner, mode and times of `stat`, to the nanosecond; a symbolic link has no mode of its own. */
export function copyStat(stat: BigIntStats, to: Path): void {
  chown(to, stat);
  if (!stat.isSymbolicLink()) chmodSync(to, Number(stat.mode & 0o7777n));
  setTimes(to, stat);
}

function chown(path: Path, { uid, gid }: BigIntStats): void {
  try {
    lchownSync(path, Number(uid), Number(gid));
  } catch (error) {
    if (process.geteuid?.() === 0 || (error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
}

/** Sets a path's times, to the nanosecond: Node's own `lutimes` keeps microseconds. Throws what the filesystem says. */
export function setTimes(path: Path, { atimeNs, mtimeNs }: Pick<BigIntStats, 'atimeNs' | 'mtimeNs'>): void {
  const times = Buffer.alloc(32); // two of struct timespec
  [atimeNs, mtimeNs].forEach((ns, i) => {
    const rest = ((ns % NS_PER_S) + NS_PER_S) % NS_PER_S;
    times.writeBigInt64LE((ns - rest) / NS_PER_S, 16 * i);
    times.writeBigInt64LE(rest, 16 * i + 8);
  });
  if (utimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW) !== 0)
    throw lastError('utimensat', path);
}

/** The names of a path's extended attributes, ACLs and security labels among them; none where the disk has none. */
export function listXattrs(path: Path): string[] {
  const names = Buffer.alloc(64 * 1024); // the kernel lists no more (XATTR_LIST_MAX)
  const length = llistxattr(cString(path), names, names.length);
  if (length >= 0) return names.toString('latin1', 0, length).split('\0').slice(0, -1);
  const error = lastError('llistxattr', path);
  if (NOT_KEPT.includes(error.code ?? '')) return [];
  throw error;
}

/** Names are read as Latin-1, a character for each byte. */
function bytesOf(name: string): Buffer {
  return cString(Buffer.from(name, 'latin1'));
}

function copyXattr(name: string, from: Path, to: Path): void {
  const value = Buffer.alloc(64 * 1024); // nor is one longer (XATTR_SIZE_MAX)
  const length = lgetxattr(cString(from), bytesOf(name), value, value.length);
  if (length < 0) passOver(lastError('lgetxattr', from));
  else if (lsetxattr(cString(to), bytesOf(name), value, length, 0) < 0) passOver(lastError('lsetxattr', to));
}

function passOver(error: NodeJS.ErrnoException): void {
  if (!NOT_KEPT.includes(error.code ?? '')) throw error;
}
