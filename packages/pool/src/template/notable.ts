import { posix } from 'node:path';
import { parentOf } from './key.ts';
import type { Entry } from './walk.ts';

/**
 * What an entry may be that ties a clone to its template:
 * `git`: a `.git` that is no directory; `link`: a symbolic link with an absolute target; `outward`: one with a relative
 * target outside of the template; `environment`: a file in which an environment, repository or build keeps where it lies; `import`: one from which Python imports; `program`: what can be run and
 * lies in a `bin`; `script`: what can be run elsewhere, which may be every file of a disk without modes;
 * `ignore`: a `.templateignore` that is not at the top.
 */
export type NotableKind =
  | 'git'
  | 'link'
  | 'outward'
  | 'environment'
  | 'import'
  | 'program'
  | 'script'
  | 'ignore';

export interface Notable {
  /** Key (walk.ts). */
  readonly key: string;
  readonly isLink: boolean;
  /** Of a link, each byte one character; else empty. */
  readonly target: string;
}

export interface Notables {
  readonly byKind: Readonly<Record<NotableKind, readonly Notable[]>>;
  /** How many more there are than were kept. */
  readonly passedOver: number;
}

/** What to print of an entry, at the end of a format (walk.ts): a link's target may hold blanks. */
export const NOTABLE_FORMAT = '| %m %y %s %l';
const FACTS = /\| ([0-7]+) (\S) (\d+) (.*)$/s;

/** What is longer is no file that names a place, and is not read. */
export const MOST_TEXT_BYTES = 64 * 1024;
/** So many of a kind are kept; of `git`, which clones depend on, all. */
const MOST_OF_A_KIND = 1_000;
const ANY_EXECUTE = 0o111;

const BIN = /(?:^|\/)(?:s?bin|condabin|Scripts)\/[^/]+$/;
/** Not `activate.csh` and the like: they say no more, and that one keeps its place even in what can be moved. */
const ENVIRONMENT =
  /(?:^|\/)(?:pyvenv\.cfg|activate|CMakeCache\.txt|conda-meta\/history|\.git\/(?:modules\/.*)?config)$/;
/** Often executable, never a script. */
const LIBRARY = /\.so(?:\.[\d.]+)?$/;
const IMPORT = /(?:\.pth|\.egg-link|(?:^|\/)__editable__[^/]*\.py)$/;

/** Gathers what is notable of a walk. */
export function createNotables() {
  const byKind: Record<NotableKind, Notable[]> = {
    git: [],
    link: [],
    outward: [],
    environment: [],
    import: [],
    program: [],
    script: [],
    ignore: [],
  };
  let passedOver = 0;
  return {
    /** @param entry Its facts end in what `NOTABLE_FORMAT` prints. */
    add({ key, isDirectory, facts }: Entry): void {
      if (isDirectory) return;
      const [, mode = '', type = '', size = '', target = ''] = FACTS.exec(facts) ?? [];
      const kind = kindOf(key, { type, target, size: Number(size), mode: Number.parseInt(mode, 8) });
      if (kind === null) return;
      if (kind !== 'git' && byKind[kind].length >= MOST_OF_A_KIND) passedOver += 1;
      else byKind[kind].push({ key, isLink: type === 'l', target });
    },
    read: (): Notables => ({ byKind, passedOver }),
  };
}

interface Facts {
  readonly type: string;
  readonly target: string;
  readonly size: number;
  readonly mode: number;
}

function kindOf(key: string, { type, target, size, mode }: Facts): NotableKind | null {
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (name === '.git') return 'git';
  if (type === 'l') return kindOfLink(key, target);
  if (type !== 'f' || size === 0) return null;
  if (name === '.templateignore' && key !== name) return 'ignore';
  if (size <= MOST_TEXT_BYTES && ENVIRONMENT.test(key)) return 'environment';
  if (size <= MOST_TEXT_BYTES && IMPORT.test(key)) return 'import';
  if ((mode & ANY_EXECUTE) === 0 || LIBRARY.test(name)) return null;
  return BIN.test(key) ? 'program' : 'script';
}

function kindOfLink(key: string, target: string): 'link' | 'outward' | null {
  if (target.startsWith('/')) return 'link';
  const leadsTo = posix.normalize(posix.join(parentOf(key), target));
  return leadsTo === '..' || leadsTo.startsWith('../') ? 'outward' : null;
}
