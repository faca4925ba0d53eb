import { readFileSync } from 'node:fs';

/** A mount as a process sees it. */
export interface Mount {
  /** `major:minor` of the filesystem. */
  readonly device: string;
  /** What of the filesystem is mounted: `/`, or for a bind mount the path within. */
  readonly root: string;
  /** Where, absolute. */
  readonly point: string;
  /** Of this mount and of its filesystem, without commas: `ro` may stand in either. */
  readonly options: readonly string[];
  readonly type: string;
  /** What is mounted, as the filesystem calls it: a device. */
  readonly source: string;
}

/** What another process's say when it is gone, or became another user's meanwhile. */
const UNSEEN = ['ENOENT', 'ESRCH', 'EINVAL', 'EACCES', 'EPERM'];

/**
 * The mounts that a process sees, in the order in which they were made. Source of the format: proc_pid_mountinfo(5),
 * fields 3 to 6 and those after the dash, with spaces and the like as octal escapes. Empty where there is no /proc, the process is gone, or it
 * may not be looked into (any more). Synchronous: /proc is no disk that could keep one waiting.
 */
export function readMounts(pid: number | 'self'): Mount[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch (error) {
    const expected = pid === 'self' ? ['ENOENT'] : UNSEEN;
    if (expected.includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [of = '', rest = ''] = line.split(' - ');
    const [, , device = '', root = '', point = '', own = ''] = of.split(' ');
    const [type = '', source = '', shared = ''] = rest.split(' ');
    return {
      device,
      root: unescapeOctal(root),
      point: unescapeOctal(point),
      options: [...own.split(','), ...shared.split(',')],
      type,
      source: unescapeOctal(source),
    };
  });
}

function unescapeOctal(text: string): string {
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
