import { readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { below, type Mount, mountOf, readMounts } from '../mountinfo.ts';

/** How a process sees a pool: in a container, or through a bind mount, the same files have other paths. */
export interface View {
  /** The path below the pool's root of what the process calls `path`; null for what is not in the pool. */
  inPool(path: string): string | null;
  /** Paths below the pool's root that are mounted, each by itself, where the process is; none where we are too. */
  readonly mounted: readonly string[];
}

/**
 * Views of the pool at `root` (absolute, without symbolic links), by process id. A process in another mount namespace
 * tells its paths as they are there; which files they are, its mounts tell: the same filesystem, and what of it. Source:
 * mount_namespaces(7), proc_pid_mountinfo(5). Each namespace's mounts are read once.
 */
export function createViews(root: string): (pid: number) => View {
  const ours = readMounts('self');
  const home = mountOf(root, ours);
  const known = new Map<string | null, View>();
  const here = viewOf(root, home, ours);
  known.set(namespaceOf('self'), { ...here, mounted: [] });
  return (pid) => {
    const namespace = namespaceOf(pid);
    const seen = known.get(namespace);
    if (seen) return seen;
    const mounts = readMounts(pid);
    const view = viewOf(root, home, mounts);
    // A process that is gone by now says nothing of the others in its namespace.
    if (mounts.length > 0) known.set(namespace, view);
    return view;
  };
}

const UNSEEN = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'];

/** Null where there are none, the process is gone, or may not be looked into (any more): then it counts as using nothing. */
function namespaceOf(pid: number | 'self'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch (error) {
    if (UNSEEN.includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

function viewOf(root: string, home: Mount | null, mounts: readonly Mount[]): View {
  if (home === null) return { inPool: (path) => below(root, path), mounted: [] };
  const inFilesystem = posix.join(home.root, below(home.point, root) ?? '');
  /** Where parts of the pool are called what, and which parts they are. */
  const places: [called: string, part: string][] = [];
  const mounted: string[] = [];
  for (const mount of mounts) {
    if (mount.device !== home.device) continue;
    const toPool = below(mount.root, inFilesystem);
    if (toPool !== null) places.push([posix.join(mount.point, toPool), '']);
    const part = below(inFilesystem, mount.root);
    if (!part) continue;
    places.push([mount.point, part]);
    mounted.push(part);
  }
  return {
    mounted,
    inPool(path) {
      for (const [called, part] of places) {
        const rest = below(called, path);
        if (rest !== null) return posix.join(part, rest);
      }
      return null;
    },
  };
}
