import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askBreaker, type Breaker, CLOSED_BREAKER, noteSpawn, type SpawnEnd } from '../../src/index.ts';

const terms = { failures: 3, cooldownMs: 300_000 };
const NOW = 1_700_000_000_000;

function note(breaker: Breaker, end: SpawnEnd, { request = 'r1', now = NOW } = {}) {
  return noteSpawn(breaker, { request, end, now, terms });
}
function ask(breaker: Breaker, { request = 'r2', now = NOW } = {}) {
  return askBreaker(breaker, { request, now, terms });
}
function opened(at = NOW): Breaker {
  return [1, 2, 3].reduce((breaker) => note(breaker, 'host-failure', { now: at }), CLOSED_BREAKER);
}

describe('the breaker', () => {
  it('holds all requests after so many failures in a row, and says why and for how long', () => {
    expect(ask(note(note(CLOSED_BREAKER, 'host-failure'), 'host-failure')).answer.pass).toBe(true);
    expect(ask(opened(), { now: NOW + 60_000 }).answer).toEqual({
      pass: false,
      reason: '3 spawns in a row failed for reasons of the host: all requests are held for another 4m',
    });
  });

  it('counts a row: a success in between begins it anew', () => {
    const ends: SpawnEnd[] = ['host-failure', 'host-failure', 'success', 'host-failure', 'host-failure'];
    const breaker = ends.reduce((state, end) => note(state, end), CLOSED_BREAKER);
    expect(ask(breaker).answer.pass).toBe(true);
  });

  it('never counts refusals', () => {
    let breaker = CLOSED_BREAKER;
    for (let i = 0; i < 100; i += 1) breaker = note(breaker, 'refusal');
    expect(breaker).toEqual(CLOSED_BREAKER);
  });

  it('lets one request through after the cooldown, as often as that one asks, and no other', () => {
    const after = NOW + 300_000;
    const first = ask(opened(), { request: 'a', now: after });
    expect(first.answer.pass).toBe(true);
    expect(ask(first.breaker, { request: 'a', now: after + 1 }).answer.pass).toBe(true);
    expect(ask(first.breaker, { request: 'b', now: after + 1 }).answer).toEqual({
      pass: false,
      reason:
        '3 spawns in a row failed for reasons of the host: request a is let through to see whether spawns work again',
    });
  });

  it('closes with the success of that one, opens anew with its failure, and tries another after its refusal', () => {
    const after = NOW + 300_000;
    const { breaker } = ask(opened(), { request: 'a', now: after });
    expect(ask(note(breaker, 'success', { request: 'a' })).answer.pass).toBe(true);
    const failed = note(breaker, 'host-failure', { request: 'a', now: after });
    expect(ask(failed, { request: 'b', now: after + 299_999 }).answer.pass).toBe(false);
    expect(ask(failed, { request: 'b', now: after + 300_000 }).answer.pass).toBe(true);
    const refused = note(breaker, 'refusal', { request: 'a' });
    expect(ask(refused, { request: 'b', now: after }).answer.pass).toBe(true);
  });

  it('tries another when the one that was let through never said how it ended', () => {
    const after = NOW + 300_000;
    const { breaker } = ask(opened(), { request: 'a', now: after });
    expect(ask(breaker, { request: 'b', now: after + 300_000 }).answer.pass).toBe(true);
  });

  it('is not prolonged by being asked, by late failures, or by a clock that is set back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 299_999 })), (times) => {
        let breaker = opened();
        for (const time of times.toSorted((a, b) => a - b)) {
          breaker = ask(breaker, { request: `r${time}`, now: NOW + time }).breaker;
          breaker = note(breaker, 'host-failure', { request: 'late', now: NOW + time });
        }
        expect(ask(breaker, { now: NOW + 300_000 }).answer.pass).toBe(true);
      }),
    );
    expect(ask(opened(), { now: NOW - 86_400_000 }).answer.pass).toBe(true);
  });
});
