import { expect, test } from 'vitest';
import type { RequestView } from '../../../src/api/views.ts';
import { byPlace, reasonOf, sinceOf, standOf } from '../../../src/views/requests/stand.ts';

const request = (over: Partial<RequestView>) =>
  ({
    state: 'waiting',
    progress: null,
    endedAt: null,
    failure: null,
    position: null,
    submittedAt: '2026-01-01T00:00:00.000Z',
    ...over,
  }) as RequestView;
const held = (position: number) =>
  request({
    position,
    progress: { phase: 'held', reason: '4.2 GB short', since: '2026-01-01T00:05:00.000Z', until: '' },
  });

test.each([
  ['waits', request({})],
  ['waits', held(1)],
  ['under way', request({ progress: { phase: 'reclaiming', reason: '' } })],
  ['under way', request({ progress: { phase: 'spawning', reason: '' }, state: 'waiting-children' })],
  ['done', request({ state: 'completed', endedAt: '2026-01-01T00:09:00.000Z' })],
  ['failed', request({ state: 'failed', failure: { code: 'REQUEST_CANCELLED', message: '' } })],
])('a request %s', (stand, view) => {
  expect(standOf(view)).toBe(stand);
});

test('what waits says why, and since when it is held', () => {
  expect([reasonOf(held(1)), sinceOf(held(1))]).toEqual(['4.2 GB short', '2026-01-01T00:05:00.000Z']);
  expect(reasonOf(request({}))).toBe('the gate has not looked at it yet');
});

test('the line stands in its order, before what the gate has not looked at', () => {
  const line = [request({}), held(2), held(1)].sort(byPlace);
  expect(line.map(({ position }) => position)).toEqual([1, 2, null]);
});
