import { readFileSync } from 'node:fs';

/** A mount as a process sees it. */
export interface Mount {
  /** `major:minor` of the filesystem. */
  readonly device: string;
  /** What of the filesystem is mounted: `/`, or for a bind mount the path within. */
  readonly root: string;
  /** Where, absolute. */
  readonly point: string;
  /** `ext4`, `overlay`, … */
  readonly type: string;
  /** What it was made of: a device, a directory, or any word. */
  readonly source: string;
  /** The filesystem's own options, comma-separated, with the octal escapes that they came with. */
  readonly options: string;
  /** Of this mount and of its filesystem: `ro` may stand in either. */
  readonly flags: readonly string[];
}

/** What another process's say when it is gone, or became another user's meanwhile. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM'];

/**
 * The mounts that a process sees, as the kernel lists them; every user may read them. Empty where there is no /proc, or the
 * process is gone. Synchronous: /proc is no disk that could keep one waiting.
 */
export function readMountTable(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch (error) {
    const expected = pid === 'self' ? ['ENOENT'] : UNSEEN;
    if (expected.includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** The mounts of a table, in the order in which they were made. Source of the format: proc_pid_mountinfo(5). */
export function parseMounts(table: string): Mount[] {
  const lines = table.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const fields = line.split(' ');
    const [, , device = '', root = '', point = '', own = ''] = fields;
    const [type = '', source = '', options = ''] = fields.slice(fields.indexOf('-') + 1);
    return {
      device,
      root: unescapeOctal(root),
      point: unescapeOctal(point),
      type,
      source: unescapeOctal(source),
      options,
      flags: [...own.split(','), ...options.split(',')],
    };
  });
}

/** The mounts that a process sees, in the order in which they were made; what `readMountTable` says of none. */
export function readMounts(pid: number | 'self'): Mount[] {
  return parseMounts(readMountTable(pid));
}

/** Spaces and the like, as the kernel writes them: `\040`. */
export function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** The mount that a path is on, of those that a process sees: of those at the same place the last hides the others. */
export function mountOf(path: string, mounts: readonly Mount[]): Mount | null {
  let found: Mount | null = null;
  for (const mount of mounts) {
    if (below(mount.point, path) === null) continue;
    if (found === null || mount.point.length >= found.point.length) found = mount;
  }
  return found;
}

/** The path from `dir` to `path`, which lies in it, or '' for itself; null when it lies elsewhere. */
export function below(dir: string, path: string): string | null {
  if (dir === '/') return path.slice(1);
  if (path === dir) return '';
  return path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : null;
}
