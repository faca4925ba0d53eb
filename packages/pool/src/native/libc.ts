import { getSystemErrorMessage, getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/**
 * Calls of the C library that Node has no word for, and no program makes as well. The library is the one that Node itself
 * runs on, so that nothing is built or looked for. Paths go through `cString`, buffers are filled in place; a call that
 * fails returns -1.
 */
export const libc = koffi.load(null);

/** @see utimensat(2) */
export const utimensat = libc.func('int utimensat(int dir, void *path, void *times, int flags)');
/** @see ioctl(2), with a pointer as its argument */
export const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)');
/** @see flock(2) */
export const flock = libc.func('int flock(int fd, int operation)');
/** @see listxattr(2); it does not follow a symbolic link. */
export const llistxattr = libc.func('intptr_t llistxattr(void *path, void *names, size_t size)');
/** @see socket(2) */
export const socket = libc.func('int socket(int domain, int type, int protocol)');
/** @see sendto(2) */
export const sendto = libc.func(
  'intptr_t sendto(int fd, void *message, size_t length, int flags, void *address, uint32_t size)',
);
/** @see lseek(2) */
export const lseek = libc.func('int64_t lseek(int fd, int64_t offset, int whence)');

/** The next byte that is data, and the next one that is none (unistd.h). */
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
/** The directory that relative paths start from (fcntl.h). */
export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** Of `flock`: nobody else, and not waited for (sys/file.h). */
export const LOCK_EX = 2;
export const LOCK_NB = 4;
/** A socket of this machine for single messages, which programs that are started do not inherit (sys/socket.h). */
export const AF_UNIX = 1;
export const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** Not waited for, and no SIGPIPE where nobody listens (sys/socket.h). */
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;

/** The bytes of a path, with the NUL that ends it. */
export function cString(path: string): Buffer {
  return Buffer.from(`${path}\0`);
}

/** What the call that has just failed says, in the form of Node's own errors; to be called before anything else is. */
export function lastError(syscall: string, path: string): NodeJS.ErrnoException {
  const errno = -koffi.errno();
  const code = getSystemErrorName(errno);
  const message = `${code}: ${getSystemErrorMessage(errno)}, ${syscall} '${path}'`;
  return Object.assign(new Error(message), { errno, code, syscall, path });
}
