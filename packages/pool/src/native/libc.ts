import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/**
 * Calls of the C library that Node has no word for. The library is the one that Node itself runs on, so that nothing is
 * built or looked for. Paths go through `cString`, buffers are filled in place; a call that fails returns -1.
 */
const libc = koffi.load(null);

/** @see statx(2); takes addresses (`addressOf`), which are passed on faster than buffers. */
export const statx = libc.func(
  'int statx(int dir, intptr_t path, int flags, uint32_t mask, intptr_t result)',
);
/** @see getdents(2) */
export const getdents64 = libc.func('intptr_t getdents64(int dir, void *records, size_t size)');
/** @see utimensat(2) */
export const utimensat = libc.func('int utimensat(int dir, void *path, void *times, int flags)');
/** @see ioctl(2), with a pointer as its argument */
export const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
/** @see flock(2) */
export const flock = libc.func('int flock(int fd, int operation)');
/** @see syncfs(2) */
export const syncfs = libc.func('int syncfs(int fd)');
/** @see listxattr(2) and so on; they do not follow a symbolic link. */
export const llistxattr = libc.func('intptr_t llistxattr(void *path, void *names, size_t size)');
export const lgetxattr = libc.func('intptr_t lgetxattr(void *path, void *name, void *value, size_t size)');
export const lsetxattr = libc.func(
  'int lsetxattr(void *path, void *name, void *value, size_t size, int flags)',
);
export const lremovexattr = libc.func('int lremovexattr(void *path, void *name)');

/** The directory that relative paths start from (fcntl.h). */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** Of `flock`: nobody else, and not waited for (sys/file.h). */
export const LOCK_EX = 2;
export const LOCK_NB = 4;

/** Where a buffer's bytes are, for as long as the buffer is kept. */
export function addressOf(buffer: Buffer): number {
  return Number(koffi.address(buffer));
}

/** Bytes of a path, or of another string, with the NUL that ends it. */
export function cString(text: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(text as string), Buffer.alloc(1)]);
}

/**
 * What the call that has just failed says, in the form of Node's own errors; to be called before anything else is.
 *
 * @param parts The path that it was about, in one part, or a directory and a name in it.
 */
export function lastError(syscall: string, ...parts: (string | Uint8Array)[]): NodeJS.ErrnoException {
  const errno = -koffi.errno();
  const path = parts.map((part) => Buffer.from(part as string).toString()).join('/');
  const code = getSystemErrorName(errno);
  const message = `${code}: ${getSystemErrorMessage(errno)}, ${syscall} '${path}'`;
  return Object.assign(new Error(message), { errno, code, syscall, path });
}
