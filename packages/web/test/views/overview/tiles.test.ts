import { expect, test } from 'vitest';
import type { SpaceNode } from '../../../src/api/views.ts';
import { layTiles, nextTile, nodeAt } from '../../../src/views/overview/space/tiles.ts';

const node = (kind: SpaceNode['kind'], name: string, of: number | readonly SpaceNode[]): SpaceNode => {
  const children = typeof of === 'number' ? undefined : of;
  const sum = (read: (each: SpaceNode) => number) =>
    children?.reduce((before, each) => before + read(each), 0);
  return {
    name,
    kind,
    id: kind === 'instance' ? name : null,
    ownBytes: sum(({ ownBytes }) => ownBytes) ?? (of as number),
    expectedBytes: sum(({ expectedBytes }) => expectedBytes) ?? 10,
    capBytes: null,
    instances: sum(({ instances }) => instances) ?? 1,
    ...(children ? { children } : {}),
  };
};
const ROOT = node('pool', 'main', [
  node('experiment', 'b', [node('template', 't', [node('instance', 'i3', 1), node('instance', 'i4', 0)])]),
  node('experiment', 'a', [node('template', 't', [node('instance', 'i1', 6), node('instance', 'i2', 3)])]),
]);
const AREA = { width: 400, height: 200, heading: 20 };
const leaves = (measure: 'own' | 'expected') =>
  layTiles(ROOT, [], measure, AREA).filter(({ node: { kind } }) => kind === 'instance');

test('tiles are as large as their bytes, the largest experiment first, without those that take nothing', () => {
  const tiles = leaves('own');
  expect(tiles.map(({ node: { name } }) => name).sort()).toEqual(['i1', 'i2', 'i3']);
  const areaOf = (name: string) => {
    const tile = tiles.find(({ node: each }) => each.name === name);
    return (tile?.width ?? 0) * (tile?.height ?? 0);
  };
  expect(areaOf('i1') / areaOf('i2')).toBeGreaterThan(1.6);
  expect(areaOf('i1') / areaOf('i2')).toBeLessThan(2.4);
  expect(tiles.map(({ group, path }) => [path[0], group])).toEqual([
    ['a', 0],
    ['a', 0],
    ['b', 1],
  ]);
});

test('by what is expected, what takes nothing yet has its tile, too', () => {
  expect(leaves('expected')).toHaveLength(4);
});

test('a path leads as far as there is something, and never into a leaf', () => {
  expect(nodeAt(ROOT, ['a', 't'])).toMatchObject({ node: { kind: 'template' }, path: ['a', 't'] });
  expect(nodeAt(ROOT, ['a', 'gone'])).toMatchObject({ node: { name: 'a' }, path: ['a'] });
  expect(nodeAt(ROOT, ['a', 't', 'i1'])).toMatchObject({ path: ['a', 't'] });
  expect(nodeAt(ROOT, [])).toMatchObject({ node: { kind: 'pool' }, path: [] });
});

test('an arrow leads to the tile that lies that way, and nowhere at the edge', () => {
  const tiles = leaves('own');
  const leftmost = [...tiles].sort((a, b) => a.left - b.left)[0];
  if (!leftmost) throw new Error('no tiles');
  const right = nextTile(tiles, leftmost, 'right');
  expect(right && right.left + right.width / 2).toBeGreaterThan(leftmost.left + leftmost.width / 2);
  expect(nextTile([leftmost], leftmost, 'left')).toBeNull();
});
