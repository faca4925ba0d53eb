import { join } from 'node:path';

/** The key (walk.ts) of the directory that an entry lies in. */
export function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1) || './';
}

/** Where the entry of a key lies; for keys that are UTF-8, as those of a division are (clone/division.ts). */
export function pathAt(dir: string, key: string): string {
  return join(dir, textOf(key));
}

/** The same for any key, as bytes. */
export function rawPathAt(dir: string, key: string): Buffer {
  return Buffer.concat([Buffer.from(`${dir}/`), Buffer.from(key, 'latin1')]);
}

/** A key's bytes as text. */
export function textOf(key: string): string {
  return Buffer.from(key, 'latin1').toString();
}
