import { expect, it } from 'vitest';
import { begin, keysIn, press } from '../../src/top/state.ts';

const PAGE = 10;
const after = (keys: string) => keysIn(keys).reduce((state, key) => press(state, key, PAGE), begin({}));

it('sorts by a key, as is usual for it, and the other way round with the same key or r', () => {
  expect(after('s').query).toEqual({ sort: 'size', order: 'desc' });
  expect(after('ss').query).toEqual({ sort: 'size', order: 'asc' });
  expect(after('sl').query).toEqual({ sort: 'lease', order: 'asc' });
  expect(after('lr').query).toEqual({ sort: 'lease', order: 'desc' });
  expect(after('r').query).toEqual({ order: 'desc' });
});

it('searches for what is typed, and takes no letter of it for a key', () => {
  const typing = after('/qs\u007fz');
  expect([typing.query.q, typing.typing, typing.isOver]).toEqual(['qz', 'qz', false]);
  const kept = after('/lr-7\rs');
  expect([kept.query, kept.typing]).toEqual([{ q: 'lr-7', sort: 'size', order: 'desc' }, null]);
  expect(after('/lr-7\r\u001b').query).toEqual({});
  expect(after('/lr\u001b').typing).toBeNull();
});

it('scrolls, not before the first; a new order or search begins at the top', () => {
  expect(after('\u001b[B\u001b[B\u001b[A').offset).toBe(1);
  expect(after('\u001b[6~\u001b[A').offset).toBe(PAGE - 1);
  expect(after('\u001b[A\u001b[5~').offset).toBe(0);
  expect(after('\u001b[6~s').offset).toBe(0);
  expect(after('\u001b[6~/x').offset).toBe(0);
});

it('pauses, goes on, and ends with q or Ctrl-C, also while something is typed', () => {
  expect([after('p').isPaused, after('p ').isPaused]).toEqual([true, false]);
  expect([after('q').isOver, after('\u0003').isOver, after('/q\u0003').isOver]).toEqual([true, true, true]);
  expect(after('x\u001b[Z\u001bOP')).toEqual(begin({}));
});
