import { expect, test } from 'vitest';
import { changeQuery, matchPath } from '../../src/router/url.ts';

test('a path matches its pattern, with its parameters, whatever was escaped in it', () => {
  expect(matchPath('/requests/:id', '/requests/req-1')).toEqual({ id: 'req-1' });
  expect(matchPath('/requests/:id', '/requests/a%2Fb/')).toEqual({ id: 'a/b' });
  expect(matchPath('/requests/:id', '/requests/100%')).toEqual({ id: '100%' });
  expect(matchPath('/', '/')).toEqual({});
  expect(matchPath('/requests', '/instances')).toBeNull();
  expect(matchPath('/requests/:id', '/requests')).toBeNull();
});

test('the same state has the same URL, however it came about', () => {
  const one = changeQuery(changeQuery(new URLSearchParams(), { sort: 'size' }), { q: 'a b' });
  const other = changeQuery(new URLSearchParams('x=1&q=a+b'), { sort: 'size', x: null });
  expect(one.toString()).toBe('q=a+b&sort=size');
  expect(other.toString()).toBe(one.toString());
  expect(changeQuery(one, { q: '', label: ['a=1', 'b=2'] }).toString()).toBe(
    'label=a%3D1&label=b%3D2&sort=size',
  );
});
