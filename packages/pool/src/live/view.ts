import { readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { below, type Mount, mountOf, parseMounts, readMountTable } from '../mountinfo.ts';
import { unlessUnseen } from './gone.ts';
import { findLayered, type Layered, layersOf } from './layers.ts';

/** How a process sees a pool: in a container, or through a bind mount, the same files have other paths. */
export interface View {
  /** The path below the pool's root of what the process calls `path`; null for what is not in the pool. */
  inPool(path: string): string | null;
  /** Paths below the pool's root that are mounted, each by itself, where the process is; none where we are too. */
  readonly mounted: readonly string[];
  /** Instances that mounts where the process is are made of; none where we are too. */
  readonly layered: readonly Layered[];
}

export interface Views {
  /** Here, where this process is. */
  readonly here: View;
  of(pid: number): View;
}

/**
 * Views of the pool at `root` (absolute, without symbolic links), by process id. A process in another mount namespace
 * tells its paths as they are there; which files they are, its mounts tell: the same filesystem, and what of it. Source:
 * mount_namespaces(7). Each namespace's mounts are looked through once. Those of a process that may not be looked into,
 * whose namespace has no name for us, can be read all the same: the same table is the same namespace.
 */
export function createViews(root: string): Views {
  const table = readMountTable('self');
  const ours = parseMounts(table);
  const home = mountOf(root, ours);
  const here = viewOf(root, home, ours);
  const hereToo = { ...here, mounted: [], layered: [] };
  const byTable = new Map<string, View>([[table, hereToo]]);
  const byNamespace = new Map<string | null, View>([[namespaceOf('self'), hereToo]]);
  const readView = (pid: number) => {
    const seen = readMountTable(pid);
    const view = byTable.get(seen) ?? viewOf(root, home, parseMounts(seen));
    byTable.set(seen, view);
    return { view, isGone: seen === '' };
  };
  return {
    here,
    of(pid) {
      const namespace = namespaceOf(pid);
      const known = namespace === null ? undefined : byNamespace.get(namespace);
      if (known) return known;
      const { view, isGone } = readView(pid);
      // A process that is gone by now says nothing of the others in its namespace.
      if (namespace !== null && !isGone) byNamespace.set(namespace, view);
      return view;
    },
  };
}

/** Null where there are none, the process is gone, or may not be looked into. */
function namespaceOf(pid: number | 'self'): string | null {
  return unlessUnseen(() => readlinkSync(`/proc/${pid}/ns/mnt`));
}

/** What bubblewrap calls the host's root while it mounts. Source: its bubblewrap.c, get_oldroot_path. */
const ASIDE = /^\/oldroot(?=\/|$)/;

function viewOf(root: string, home: Mount | null, mounts: readonly Mount[]): View {
  if (home === null) return { inPool: (path) => below(root, path), mounted: [], layered: [] };
  const inFilesystem = posix.join(home.root, below(home.point, root) ?? '');
  /** Where parts of the pool are called what, and which parts they are. */
  const places: [called: string, part: string][] = [];
  const mounted: string[] = [];
  for (const mount of mounts) {
    for (const layer of layersOf(mount)) {
      const toPool = below(layer.replace(ASIDE, '') || '/', root);
      if (toPool !== null) places.push([posix.join(mount.point, toPool), '']);
    }
    if (mount.device !== home.device) continue;
    const toPool = below(mount.root, inFilesystem);
    if (toPool !== null) places.push([posix.join(mount.point, toPool), '']);
    const part = below(inFilesystem, mount.root);
    if (!part) continue;
    places.push([mount.point, part]);
    mounted.push(part);
  }
  const inPool = (path: string) => {
    for (const [called, part] of places) {
      const rest = below(called, path);
      if (rest !== null) return posix.join(part, rest);
    }
    return null;
  };
  return { inPool, mounted, layered: findLayered(mounts, inPool) };
}
