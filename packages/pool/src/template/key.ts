/** The key (walk.ts) of the directory that an entry lies in. */
export function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1) || './';
}
