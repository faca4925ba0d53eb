/** What the kernel says of a process that is gone, or of a path that is, or that has no name of at most 4,096 bytes. */
const GONE = ['ENOENT', 'ESRCH', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'];

const REFUSED = ['EACCES', 'EPERM'];

/** What `read` comes to; null where what it looks at is gone. */
export function unlessGone<T>(read: () => T): T | null {
  return unless(GONE, read);
}

/** As `unlessGone`, and null also for what this process may not look into. */
export function unlessUnseen<T>(read: () => T): T | null {
  return unless([...GONE, ...REFUSED], read);
}

/** Whether this process may not look into what it was about to read. */
export function isRefusal(error: unknown): boolean {
  return REFUSED.includes((error as NodeJS.ErrnoException).code ?? '');
}

function unless<T>(codes: readonly string[], read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}
