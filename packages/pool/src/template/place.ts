import { realpath } from 'node:fs/promises';
import { basename, normalize, sep } from 'node:path';
import type { Location } from './source.ts';

/** Tells what names a place in a template's directory, however it is spelled. */
export interface Place {
  /** Whether a text holds an absolute path that lies in the directory, or is it. */
  isNamedIn(text: string): Promise<boolean>;
  /** Whether an absolute path lies in the directory, or is it. It need not be there. */
  holds(path: string): Promise<boolean>;
}

/** So many spellings of the directory that lead through links are followed. */
const MOST_SPELLINGS = 100;
const PART_OF_NAME = /[\w.~-]/;

export function createPlace({ dir, configured }: Pick<Location, 'dir' | 'configured'>): Place {
  const spellings = [...new Set([dir, configured])];
  const followed = new Map<string, boolean>();

  /** Whether a path is the directory, through links. */
  const leadsHere = async (path: string): Promise<boolean> => {
    const known = followed.get(path);
    if (known !== undefined || followed.size >= MOST_SPELLINGS) return known ?? false;
    const leads = (await realpath(path).catch(() => null)) === dir;
    followed.set(path, leads);
    return leads;
  };

  return {
    async isNamedIn(text) {
      if (spellings.some((spelling) => holdsPath(text, spelling))) return true;
      for (const path of pathsTo(text, basename(dir))) if (await leadsHere(path)) return true;
      return false;
    },
    async holds(path) {
      const plain = normalize(path);
      if (spellings.some((spelling) => isIn(plain, spelling))) return true;
      const real = await realpath(plain).catch(() => null);
      return real !== null && isIn(real, dir);
    },
  };
}

function isIn(path: string, dir: string): boolean {
  return path === dir || path.startsWith(dir.endsWith(sep) ? dir : dir + sep);
}

/** Whether the path stands in the text as a whole: not as the beginning or the end of a longer name. */
function holdsPath(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at !== -1; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? '';
    const after = text[at + path.length] ?? '';
    if (!PART_OF_NAME.test(before) && !PART_OF_NAME.test(after)) return true;
  }
  return false;
}

/** The absolute paths in a text that end in a directory of this name, as far as that. */
function pathsTo(text: string, name: string): string[] {
  const paths: string[] = [];
  for (let at = text.indexOf(`/${name}/`); at !== -1; at = text.indexOf(`/${name}/`, at + 1)) {
    const [start = ''] = /\/[^\s"'=:]*$/.exec(text.slice(0, at)) ?? [];
    if (start !== '') paths.push(`${start}/${name}`);
  }
  return [...new Set(paths)];
}
