import { closeSync, constants, openSync } from 'node:fs';
import { ioctl, lastError } from './libc.ts';

/** A call whose argument is nothing but numbers of 64 bits. */
export function callWith(dir: string, name: string, request: number, values: readonly bigint[]): void {
  const args = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    args.writeBigUInt64LE(value, 8 * i);
  });
  call(dir, name, request, args);
}

/** False where the work fails with this code; true where it does not fail. */
export function unlessCode(code: string, work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}

/** Asks something of the filesystem of `dir`; `args` are filled in place. Throws what the kernel says. */
export function call(dir: string, name: string, request: number, args: Buffer): void {
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (ioctl(fd, request, args) !== 0) throw lastError(name, dir);
  } finally {
    closeSync(fd);
  }
}
