import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Division, divide, type Piece } from '../../src/clone/division.ts';

const MB = 1e6;

/** A directory's children by name: a number of bytes, or a directory. */
interface Tree {
  readonly [name: string]: number | Tree;
}

/** What a walk over a tree hands over. */
function piecesOf(tree: Tree, key = './'): Piece[] {
  const prefix = key === './' ? '' : key;
  const self = { key, isDirectory: true, bytes: 4096, links: 2, mode: 0o755 };
  const below = Object.entries(tree).flatMap(([name, child]) =>
    typeof child === 'number'
      ? [{ key: prefix + name, isDirectory: false, bytes: child, links: 1, mode: 0o644 }]
      : piecesOf(child, `${prefix}${name}/`),
  );
  return [self, ...below];
}

const trees = fc.letrec<{ tree: Tree; child: number | Tree }>((tie) => ({
  child: fc.oneof({ maxDepth: 5 }, fc.nat({ max: 200 * MB }), tie('tree')),
  tree: fc.dictionary(fc.constantFrom(...'abcdefghijkl'), tie('child'), { maxKeys: 12 }),
})).tree;

/** No directory has extended attributes or ACLs. */
const plain = () => true;

/** The groups that copy a key: by itself, or with a directory above it. */
function copiersOf(key: string, { groups }: Division): number {
  return groups.flat().filter((unit) => unit === key || (unit.endsWith('/') && key.startsWith(unit))).length;
}

const weightOf = (pieces: readonly Piece[], units: readonly string[]) =>
  pieces
    .filter(({ key }) => units.some((unit) => unit === key || (unit.endsWith('/') && key.startsWith(unit))))
    .reduce((sum, { bytes }) => sum + 1 + bytes / 25_000, 0);

it('copies every entry once, and makes a shared directory after the one that it lies in', () => {
  fc.assert(
    fc.property(trees, (tree) => {
      const pieces = piecesOf(tree);
      const division = divide(pieces, plain);
      if (!division) return;
      for (const { key } of pieces) {
        expect(copiersOf(key, division)).toBe(division.shared.includes(key) ? 0 : 1);
      }
      expect(division.shared[0]).toBe('./');
      division.shared.forEach((key, i) => {
        const above = key.slice(0, key.lastIndexOf('/', key.length - 2) + 1) || './';
        expect(i === 0 || division.shared.indexOf(above) < i).toBe(true);
      });
    }),
  );
});

it('makes groups of about the same weight, wherever the weight lies', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`file-${i}`, 1_000]));
  for (const tree of [many, { lib: { deep: many } }, { a: many, b: { c: many, d: 5 } }]) {
    const pieces = piecesOf(tree as Tree);
    const weights = divide(pieces, plain)?.groups.map((group) => weightOf(pieces, group)) ?? [];
    expect(weights).toHaveLength(4);
    expect(Math.max(...weights)).toBeLessThan(1.15 * Math.min(...weights));
  }
});

const wide: Tree = { a: { f: 40 * MB }, b: { f: 40 * MB } };

it.each<[string, readonly Piece[]]>([
  ['is small', piecesOf({ a: 1, b: { c: 2 } })],
  ['is one file', piecesOf({ a: 500 * MB })],
  ['has a file of two names', piecesOf(wide).map((piece) => ({ ...piece, links: 2 }))],
  ['has a name that is no UTF-8', piecesOf({ ...wide, 'bytes-\xff': 1 })],
])('leaves to one program what %s', (_, pieces) => {
  expect(divide(piecesOf(wide), plain)).not.toBeNull();
  expect(divide(pieces, plain)).toBeNull();
});

it('does not look into a directory that its owner may not write to', () => {
  const pieces = piecesOf({ closed: { a: 60 * MB, b: 60 * MB }, open: { a: 60 * MB } });
  const closed = pieces.map((piece) => (piece.key === 'closed/' ? { ...piece, mode: 0o555 } : piece));
  expect(divide(pieces, plain)?.shared).toContain('closed/');
  expect(divide(closed, plain)?.shared).not.toContain('closed/');
});

it('does not look into a directory with attributes that only a program copies', () => {
  const pieces = piecesOf({ lib: { deep: { a: 60 * MB, b: 60 * MB } }, open: { a: 60 * MB } });
  expect(divide(pieces, plain)?.shared).toContain('lib/deep/');
  expect(divide(pieces, (directory) => directory !== 'lib/')?.shared).toEqual(['./', 'open/']);
  expect(divide(pieces, (directory) => directory !== './')).toBeNull();
});
