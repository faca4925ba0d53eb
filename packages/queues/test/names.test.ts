import { expect, it } from 'vitest';
import { childIds, newLife, prefixOf, requestIdOf } from '../src/names.ts';

const CHILDREN = [childIds.prepare, childIds.prune, childIds.undo] as const;
const INDEXES = [0, 1, 10];

it('gives each child of each life and round of each request an id of its own, and the same one again', () => {
  const all = ['req-1', 'req-11', 'key-0123456789abcdef'].flatMap((request) =>
    ['00000001', '00000011'].flatMap((life) =>
      [0, 1, 10, 11].flatMap((round) => {
        const of = { request, life, round };
        return [...CHILDREN.map((idOf) => idOf(of)), ...INDEXES.map((index) => childIds.spawn(of, index))];
      }),
    ),
  );
  expect(new Set(all).size).toBe(all.length);
  const of = { request: 'req-1', life: '00000001', round: 2 };
  expect(childIds.spawn(of, 3)).toBe(childIds.spawn({ ...of }, 3));
  for (const id of all) expect(id).not.toContain(':');
});

it('gives children of a request that is submitted again under its key other ids than before', () => {
  const request = requestIdOf('run 7');
  const [first, second] = [newLife(), newLife()].map((life) => ({ request, life, round: 0 }));
  if (!first || !second) throw new Error('expected two lives');
  for (const idOf of CHILDREN) expect(idOf(first)).not.toBe(idOf(second));
  expect(childIds.spawn(first, 0)).not.toBe(childIds.spawn(second, 0));
});

it('gives a key the same request id each time, and no two requests without one the same', () => {
  expect(requestIdOf('run 7: first try')).toBe(requestIdOf('run 7: first try'));
  expect(requestIdOf('run 7: first try')).toMatch(/^key-[0-9a-f]{16}$/);
  expect(requestIdOf('a')).not.toBe(requestIdOf('b'));
  expect(requestIdOf(null)).toMatch(/^req-[0-9a-f]{12}$/);
  expect(requestIdOf(null)).not.toBe(requestIdOf(null));
});

it('gives each life eight hexadecimal digits', () => {
  const lives = Array.from({ length: 100 }, newLife);
  for (const life of lives) expect(life).toMatch(/^[0-9a-f]{8}$/);
  expect(new Set(lives).size).toBe(100);
});

it('keeps all of a pool’s keys in one slot of a Redis Cluster', () => {
  expect(prefixOf('main')).toBe('{spica:main}');
});
