import { expect, test } from 'vitest';
import { PageCache } from '../../../src/views/instances/page-cache.ts';

const items = (page: number) => Array.from({ length: 10 }, (_, i) => `row ${page * 10 + i}`);

function cacheWith(pages: readonly number[], { total = 100, most = 5 } = {}) {
  const cache = new PageCache<string>({ pageSize: 10, most });
  for (const page of pages) cache.put(page, { items: items(page), total, change: cache.change });
  return cache;
}

test('it gives rows by their place, and says which parts are missing for those that are looked at', () => {
  const cache = cacheWith([0, 3]);
  expect([cache.row(5), cache.row(39), cache.row(15)]).toEqual(['row 5', 'row 39', undefined]);
  expect(cache.missing(5, 45)).toEqual([1, 2, 4]);
  expect(cache.missing(90, 140)).toEqual([9]);
  expect(new PageCache({ pageSize: 10, most: 5 }).missing(0, 9)).toEqual([0]);
});

test('after a change all is asked for again, first what cannot be shown at all, and shown as it was until then', () => {
  const cache = cacheWith([0, 2]);
  cache.changed();
  expect(cache.missing(0, 25)).toEqual([1, 0, 2]);
  expect(cache.row(5)).toBe('row 5');
  cache.put(0, { items: ['new'], total: 100, change: cache.change });
  expect([cache.row(0), cache.missing(0, 9)]).toEqual(['new', []]);
});

test('what was asked for before a change does not count as new', () => {
  const cache = cacheWith([]);
  const { change } = cache;
  cache.changed();
  cache.put(0, { items: items(0), total: 100, change });
  expect([cache.row(0), cache.missing(0, 9)]).toEqual(['row 0', [0]]);
});

test('it keeps only the last parts, and no rows beyond the end', () => {
  const cache = cacheWith([0, 1, 2, 3, 4, 5], { most: 3 });
  expect([cache.row(25), cache.row(35)]).toEqual([undefined, 'row 35']);
  cache.put(5, { items: items(5), total: 52, change: cache.change });
  expect([cache.total, cache.row(51), cache.row(52)]).toEqual([52, 'row 51', undefined]);
});
