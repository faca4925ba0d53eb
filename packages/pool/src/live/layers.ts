import { readFileSync, realpathSync } from 'node:fs';
import { isInstanceId } from '@spica/core';
import { type Mount, unescapeOctal } from '../mountinfo.ts';
import { unlessUnseen } from './gone.ts';

/** An instance that a filesystem is made of, and where that is mounted. */
export interface Layered {
  readonly id: string;
  readonly point: string;
}

/**
 * The instances that mounts are made of: the layers of an overlay (bubblewrap, podman, Docker builds), an image that is
 * mounted, the directory that a FUSE filesystem shows elsewhere. No process need have anything open there. `inPool` says what a path is below the pool's
 * root, or null.
 *
 * The paths are as they were for whoever mounted it, maybe in a place that is gone by now, maybe relative. So the name of
 * an instance counts wherever it stands in one: ids are not given twice.
 */
export function findLayered(mounts: readonly Mount[], inPool: (path: string) => string | null): Layered[] {
  const found: Layered[] = [];
  for (const { type, source, options, point } of mounts) {
    const layers = layersOf({ type, options }).concat(imageOf(source));
    const paths = [source, unescapeOctal(options), ...layers, ...layers.map(realPathOf)];
    const inside = layers.map((layer) => inPool(layer) ?? '');
    const names = [...paths, ...inside].flatMap((text) => text.split(/[/:,=]/));
    for (const id of new Set(names.filter(isInstanceId))) found.push({ id, point });
  }
  return found;
}

/** The file that a loop device shows as a disk. Source: the kernel's drivers/block/loop.c. */
function imageOf(source: string): string[] {
  const [, device] = /^\/dev\/(loop\d+)$/.exec(source) ?? [];
  if (device === undefined) return [];
  const file = unlessUnseen(() => readFileSync(`/sys/block/${device}/loop/backing_file`, 'utf8'));
  return file === null ? [] : [file.trimEnd()];
}

/**
 * The directories of an overlay, unescaped. In the options, commas and the like are octal; in a list of lower layers `\:`
 * is a colon that does not end one. Source: overlayfs(5), and the kernel's fs/overlayfs/params.c, ovl_show_options.
 */
export function layersOf({ type, options }: Pick<Mount, 'type' | 'options'>): string[] {
  if (type !== 'overlay') return [];
  return options.split(',').flatMap((option) => {
    const [name = '', ...rest] = option.split('=');
    const value = unescapeOctal(rest.join('='));
    if (name === 'lowerdir') return (value.match(/(?:\\.|[^:\\])+/g) ?? []).map(unescapeBackslashes);
    return ['upperdir', 'workdir', 'lowerdir+', 'datadir+'].includes(name)
      ? [value, unescapeBackslashes(value)]
      : [];
  });
}

function unescapeBackslashes(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}

/** Symbolic links may lead into an instance. The path itself where it leads nowhere from here. */
function realPathOf(path: string): string {
  return path.startsWith('/') ? (unlessUnseen(() => realpathSync(path)) ?? path) : path;
}
