import { expect, it } from 'vitest';
import { type KnownInstance, protectionAt, protectionsOf } from '../../src/index.ts';

const NOW = 1_800_000_000_000;
const PIN = { by: 'ada', why: 'best', at: NOW };
const LEASE = { owner: 'bob', expiresAt: NOW + 1_000 };

function rulesOf(state: 'ready' | 'in-flight', record: object): string[] {
  const instance = { record: { pin: null, lease: null, collect: [], ...record }, state, request: 'req-1' };
  const none = { failure: null, collectFailure: null, unsaved: null, sizes: [] };
  return protectionsOf({ ...instance, ...none } as unknown as KnownInstance).map(({ rule }) => rule);
}

it('says of a pinned instance that it is pinned, whatever else keeps it: that does not end by itself', () => {
  expect(rulesOf('in-flight', { pin: PIN, lease: LEASE })).toEqual(['pinned', 'in-flight', 'leased']);
  expect(rulesOf('in-flight', { lease: LEASE })).toEqual(['in-flight', 'leased']);
  expect(rulesOf('ready', {})).toEqual([]);
});

it('a lease keeps an instance until it ends', () => {
  const protections = [{ rule: 'leased', reason: 'leased by bob', until: NOW }];
  expect(protectionAt(protections, NOW - 1)?.rule).toBe('leased');
  expect(protectionAt(protections, NOW)).toBeNull();
});
