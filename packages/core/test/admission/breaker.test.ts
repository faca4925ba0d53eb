import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterAdmission,
  afterSpawn,
  heldByBreaker,
  type Limits,
  NO_LIMITS,
  type SpawnEnd,
} from '../../src/index.ts';

const terms = { failures: 3, cooldownMs: 300_000 };
const NOW = 1_700_000_000_000;
const AFTER = NOW + terms.cooldownMs;

function note(limits: Limits, end: SpawnEnd, { request = 'r1', now = NOW } = {}): Limits {
  return afterSpawn(limits, { request, end, now, terms });
}
function admit(limits: Limits, request: string, now: number): Limits {
  return afterAdmission(limits, { request, count: 1, now, countStarts: false });
}
function held({ breaker }: Limits, { request = 'r2', now = NOW } = {}): string | null {
  return heldByBreaker(breaker, { request, now, terms });
}
function opened(at = NOW): Limits {
  return [1, 2, 3].reduce((limits) => note(limits, 'host-failure', { now: at }), NO_LIMITS);
}

describe('the breaker', () => {
  it('holds all requests after so many failures in a row, and says why and for how long', () => {
    expect(held(note(note(NO_LIMITS, 'host-failure'), 'host-failure'))).toBeNull();
    expect(held(opened(), { now: NOW + 60_000 })).toBe(
      '3 spawns in a row failed for reasons of the host: all requests are held for another 4m',
    );
  });

  it('counts a row: a success in between begins it anew', () => {
    const ends: SpawnEnd[] = ['host-failure', 'host-failure', 'success', 'host-failure', 'host-failure'];
    expect(held(ends.reduce((state, end) => note(state, end), NO_LIMITS))).toBeNull();
  });

  it('never counts refusals', () => {
    let limits = NO_LIMITS;
    for (let i = 0; i < 100; i += 1) limits = note(limits, 'refusal');
    expect(limits).toEqual(NO_LIMITS);
  });

  it('admits one request after the cooldown, as often as that one is decided, and no other', () => {
    expect(held(opened(), { request: 'a', now: AFTER })).toBeNull();
    const halfOpen = admit(opened(), 'a', AFTER);
    expect(held(halfOpen, { request: 'a', now: AFTER + 1 })).toBeNull();
    expect(held(halfOpen, { request: 'b', now: AFTER + 1 })).toBe(
      '3 spawns in a row failed for reasons of the host: request a is let through to see whether spawns work again',
    );
  });

  it('is claimed by being admitted only: one that is held for want of room leaves the place to others', () => {
    expect(held(opened(), { request: 'large', now: AFTER })).toBeNull();
    expect(held(opened(), { request: 'small', now: AFTER })).toBeNull();
  });

  it('closes with the success of the probe, opens anew with its failure, and takes another after its refusal', () => {
    const halfOpen = admit(opened(), 'a', AFTER);
    expect(held(note(halfOpen, 'success', { request: 'a' }))).toBeNull();
    const failed = note(halfOpen, 'host-failure', { request: 'a', now: AFTER });
    expect(held(failed, { request: 'b', now: AFTER + 299_999 })).not.toBeNull();
    expect(held(failed, { request: 'b', now: AFTER + 300_000 })).toBeNull();
    expect(held(note(halfOpen, 'refusal', { request: 'a' }), { request: 'b', now: AFTER })).toBeNull();
  });

  it('takes another when the probe never said how it ended', () => {
    expect(held(admit(opened(), 'a', AFTER), { request: 'b', now: AFTER + 300_000 })).toBeNull();
  });

  it('is not prolonged by late failures, or by a clock that is set back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 299_999 })), (times) => {
        const late = (limits: Limits, time: number) =>
          note(limits, 'host-failure', { request: 'late', now: NOW + time });
        expect(held(times.reduce(late, opened()), { now: AFTER })).toBeNull();
      }),
    );
    expect(held(opened(), { now: NOW - 86_400_000 })).toBeNull();
  });
});
