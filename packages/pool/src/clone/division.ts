import { isUtf8 } from 'node:buffer';
import { parentOf } from '../template/key.ts';

/** One entry of a snapshot, by its key (template/walk.ts). */
export interface Piece {
  readonly key: string;
  readonly isDirectory: boolean;
  /** Allocated. */
  readonly bytes: number;
  readonly links: number;
  readonly mode: number;
}

/** How a snapshot is copied by several programs at once. */
export interface Division {
  /** Keys of the directories that are made before and get their attributes afterwards, the outer ones first. */
  readonly shared: readonly string[];
  /** What each program copies: keys of entries in these directories, with all that lies below them. */
  readonly groups: readonly (readonly string[])[];
}

/** As many programs as one copy is given at most. */
const GROUPS = 4;
/** An entry is reckoned to take the time of so many bytes more. */
const BYTES_PER_ENTRY = 25_000;
/** What weighs less is copied sooner than a second program starts. */
const WORTH_DIVIDING = 2_000;
/** A directory that weighs more than this share of the whole is looked into. */
const SHARE = 1 / 16;
/** A command line holds two million bytes. */
const MOST_KEY_BYTES = 400_000;
const OWNER_ALL = 0o700;

/**
 * Divides a snapshot into groups of about the same weight; null where one program should copy it: it is small, or in one
 * piece, has hard links (which only one program keeps), or names that are no UTF-8 (which no argument can hold).
 *
 * @param isPlain Whether the directory of a key has owner, mode and times only: one with extended attributes or ACLs is
 *   not shared, since only `cp` copies them. Asked of heavy directories.
 */
export function divide(pieces: Iterable<Piece>, isPlain: (directory: string) => boolean): Division | null {
  const tree = weigh(pieces);
  if (!tree || tree.weightOf('./') < WORTH_DIVIDING || !isPlain('./')) return null;
  const most = tree.weightOf('./') * SHARE;
  const shared = ['./'];
  const units: string[] = [];
  const open = (directory: string) => {
    for (const key of tree.childrenOf(directory)) {
      if (tree.weightOf(key) > most && tree.isOpen(key) && isText(key) && isPlain(key)) {
        shared.push(key);
        open(key);
      } else units.push(key);
    }
  };
  open('./');
  const sum = units.reduce((bytes, key) => bytes + key.length + 1, 0);
  if (sum > MOST_KEY_BYTES || !units.every(isText)) return null;
  const groups = balance(units, tree.weightOf).filter((group) => group.length > 0);
  return groups.length > 1 ? { shared, groups } : null;
}

function isText(key: string): boolean {
  return isUtf8(Buffer.from(key, 'latin1'));
}

interface Tree {
  weightOf(key: string): number;
  childrenOf(key: string): readonly string[];
  /** Whether others may write into it while it is being copied. */
  isOpen(key: string): boolean;
}

function weigh(pieces: Iterable<Piece>): Tree | null {
  const weights = new Map<string, number>();
  const children = new Map<string, string[]>();
  const closed = new Set<string>();
  for (const { key, isDirectory, bytes, links, mode } of pieces) {
    if (!isDirectory && links > 1) return null;
    if (isDirectory && (mode & OWNER_ALL) !== OWNER_ALL) closed.add(key);
    const weight = 1 + bytes / BYTES_PER_ENTRY;
    for (let at = key; ; at = parentOf(at)) {
      weights.set(at, (weights.get(at) ?? 0) + weight);
      if (at === './') break;
    }
    if (key === './') continue;
    const siblings = children.get(parentOf(key)) ?? [];
    siblings.push(key);
    children.set(parentOf(key), siblings);
  }
  return {
    weightOf: (key) => weights.get(key) ?? 0,
    childrenOf: (key) => children.get(key) ?? [],
    isOpen: (key) => key.endsWith('/') && !closed.has(key),
  };
}

/** The heaviest first, each to the lightest group: at most a third more than the best there is (Graham, 1969). */
function balance(units: readonly string[], weightOf: (key: string) => number): string[][] {
  const groups = Array.from({ length: GROUPS }, () => ({ weight: 0, keys: [] as string[] }));
  for (const key of units.toSorted((a, b) => weightOf(b) - weightOf(a))) {
    const lightest = groups.reduce((a, b) => (b.weight < a.weight ? b : a));
    lightest.keys.push(key);
    lightest.weight += weightOf(key);
  }
  return groups.map(({ keys }) => keys);
}
