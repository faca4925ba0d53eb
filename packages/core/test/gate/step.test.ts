import { describe, expect, it } from 'vitest';
import { afterAdmission, afterSpawn, Ledger, NO_LIMITS, step } from '../../src/index.ts';
import { facts, NOW, need, request, sums } from './facts.ts';

describe('a step', () => {
  it('admits what fits, with the sum as its reason', () => {
    expect(step(request(), facts({ need: need(100) }), sums())).toMatchObject({
      do: 'admit',
      reason:
        'needs 100 B (1 × 100 B, p95 of 3 samples); 120 B available − 0 B reserved − 0 B growth − 20 B floor = 100 B: admitted',
    });
  });

  it('holds what does not, says for how long, and what is missing', () => {
    expect(step(request(), facts({ need: need(101) }), sums())).toMatchObject({
      do: 'hold',
      until: NOW + 600_000,
      reason: expect.stringMatching(/: 1 B short$/),
      shortage: { need: { bytes: 101, slots: 1 }, shortfall: { bytes: 1, slots: 0 } },
    });
  });

  it('reclaims only where retention is known to make the room, and else says who holds it', () => {
    const short = { need: need(101) };
    const reclaims = { reclaims: true, help: '' };
    expect(step(request(), facts({ ...short, relief: reclaims }), sums())).toMatchObject({
      do: 'reclaim',
      shortage: { shortfall: { bytes: 1 } },
    });
    const help = { reclaims: false, help: '1 lease ends within 2 min' };
    expect(step(request(), facts({ ...short, relief: help }), sums())).toMatchObject({
      do: 'hold',
      reason: expect.stringMatching(/1 B short. 1 lease ends within 2 min$/),
    });
  });

  it('admits to the byte after a clone has landed between the reading of the disk and the decision', () => {
    // 60 were reserved for R1 of 100: its clone takes 20, and it may grow by 40. It lands after the disk was read.
    const ledger = new Ledger();
    ledger.reserve('r1', { bytes: 60, inodes: 0 }, 1);
    const { landed } = ledger.sums(NOW);
    const growth = { bytes: 40, inodes: 0, endsAt: NOW + 1_000 };
    ledger.commit('r1', 'spica-0001', { ownBytes: 20, growth }, { bytes: 20, inodes: 0 });
    const seen = { landed, need: need(40) };
    expect(step(request({ id: 'r2' }), facts(seen), ledger.sums(NOW))).toMatchObject({ do: 'admit' });
    expect(step(request({ id: 'r2' }), facts({ ...seen, need: need(41) }), ledger.sums(NOW))).toMatchObject({
      do: 'hold',
      reason: expect.stringMatching(/: 1 B short$/),
    });
  });

  it('never says of what it holds that it is admitted', () => {
    for (const bytes of [39, 40, 41, 99, 100, 101]) {
      const found = step(
        request(),
        facts({ need: need(bytes) }),
        sums((l) => l.reserve('o', { bytes: 30, inodes: 0 }, 2)),
      );
      expect(found.reason.endsWith(': admitted')).toBe(found.do === 'admit');
    }
  });

  it('has a snapshot prepared first, and counts what that takes against everything else', () => {
    expect(step(request(), facts({ need: null }), sums())).toMatchObject({ do: 'prepare' });
    const measured = { need: null, preparation: { bytes: 100, inodes: 5 } };
    expect(step(request(), facts(measured), sums())).toMatchObject({ do: 'prepare' });
    const other = sums((ledger) => ledger.beginPreparation('other', { bytes: 30, inodes: 1 }));
    expect(step(request(), facts(measured), other)).toMatchObject({
      do: 'hold',
      reason: expect.stringMatching(/no room: its snapshot.* 30 B short$/),
      shortage: { need: { bytes: 100, slots: 0 }, shortfall: { bytes: 30, slots: 0 } },
    });
    expect(step(request(), facts({ need: need(71) }), other)).toMatchObject({ do: 'hold' });
    expect(step(request(), facts({ need: need(70) }), other)).toMatchObject({ do: 'admit' });
  });

  it.each([
    ['is cancelled', { cancelled: true }, {}, 'REQUEST_CANCELLED'],
    ['could not fit the empty disk', { need: need(181) }, {}, 'NEVER_FITS'],
    ['asks for more than the pool may have', { need: need(1, 11) }, { count: 11 }, 'NEVER_FITS'],
    [
      'has a template that could not fit',
      { need: null, preparation: { bytes: 181, inodes: 0 } },
      {},
      'TEMPLATE_TOO_LARGE',
    ],
    ['was held for its max_wait', { need: need(101) }, { heldAt: NOW - 600_000 }, 'MAX_WAIT_EXCEEDED'],
  ] as const)('rejects what %s', (_what, change, asked, code) => {
    expect(step(request(asked), facts(change), sums())).toMatchObject({ do: 'reject', code });
  });

  it('rejects at once what asks for more than max_spawns_per_hour, and holds what has to wait for it', () => {
    const limits = afterAdmission(NO_LIMITS, { request: 'other', count: 3, now: NOW, countStarts: true });
    const terms = { ...facts().terms, maxSpawnsPerHour: 4 };
    const of = (count: number, id = 'r') =>
      step(request({ count, id }), facts({ terms, limits, need: need(1, count) }), sums());
    expect(of(5)).toMatchObject({ do: 'reject', code: 'RATE_EXCEEDED' });
    expect(of(2)).toMatchObject({ do: 'hold', reason: expect.stringMatching(/^3 spawned in the last hour/) });
    expect(of(1)).toMatchObject({ do: 'admit' });
    expect(of(4, 'other')).toMatchObject({ do: 'admit' }); // its run was cut off: it counts once
    const ended = afterSpawn(limits, { request: 'other', end: 'success', now: NOW, terms: terms.breaker });
    expect(
      step(request({ count: 4, id: 'other' }), facts({ terms, limits: ended, need: need(1, 4) }), sums()),
    ).toMatchObject({ do: 'hold' });
  });

  it('holds everybody who came later behind one that was held too long, and turns away who would be one too many', () => {
    const line = { head: { request: 'old', heldAt: NOW - 60_001 }, length: 1 };
    expect(step(request(), facts({ line }), sums())).toMatchObject({
      do: 'hold',
      reason: 'waits behind request old, which has been held for 1m',
      shortage: null,
    });
    expect(step(request({ id: 'old', heldAt: NOW - 60_001 }), facts({ line }), sums())).toMatchObject({
      do: 'admit',
    });
    const terms = { ...facts().terms, maxWaiting: 1 };
    expect(step(request(), facts({ line, terms }), sums())).toMatchObject({
      do: 'reject',
      code: 'QUEUE_FULL',
    });
    expect(step(request({ heldAt: NOW }), facts({ line, terms }), sums())).toMatchObject({ do: 'hold' });
  });

  it('rejects for good before it holds for a while: what can never fit does not wait in the line first', () => {
    const line = { head: { request: 'old', heldAt: NOW - 60_001 }, length: 1 };
    expect(step(request(), facts({ line, need: need(181) }), sums())).toMatchObject({ do: 'reject' });
  });

  it('holds as long as something is wrong with the disk, whatever that says; and in the end fails, which is no refusal', () => {
    const trouble = { code: 'DISK_UNWRITABLE', reason: 'the disk takes no writes' };
    const nothing = { availableBytes: 0, totalBytes: 0, freeInodes: null, totalInodes: null };
    const broken = facts({ trouble, space: nothing });
    expect(step(request(), broken, sums())).toMatchObject({
      do: 'hold',
      reason: 'the disk takes no writes',
      shortage: null,
    });
    expect(step(request({ heldAt: NOW - 600_000 }), broken, sums())).toEqual({
      do: 'fail',
      code: 'DISK_UNWRITABLE',
      reason: 'held for 10m (max_wait) in vain: the disk takes no writes',
    });
    expect(step(request(), { ...broken, cancelled: true }, sums())).toMatchObject({ do: 'reject' });
  });

  it('fails, and does not reject, what was held by the breaker for its max_wait', () => {
    const breaker = { failures: 3, openedAt: NOW, probe: null, cause: null };
    const open = facts({ limits: { ...NO_LIMITS, breaker } });
    expect(step(request(), open, sums())).toMatchObject({ do: 'hold' });
    expect(step(request({ heldAt: NOW - 600_000 }), open, sums())).toMatchObject({
      do: 'fail',
      code: 'BREAKER_OPEN',
    });
  });

  it('holds what a disk below has no room for, and deletes nothing for it, since that may not come back there', () => {
    const below = {
      id: 'below',
      name: 'on /srv (disk.also_watch)',
      availableBytes: 50,
      totalBytes: 1_000,
      floorBytes: 20,
      isFreedByDeletion: false,
      landedBytes: 0,
      unwrittenBytes: 0,
      countedTwiceBytes: 0,
    };
    const relief = { reclaims: true, help: '' };
    const reserved = { ...sums(), bounds: { below: { reservedBytes: 5, growthBytes: 5, landedBytes: 10 } } };
    const of = (bytes: number, change: Partial<typeof below> = {}) =>
      step(request(), facts({ need: need(bytes), relief, bounds: [{ ...below, ...change }] }), reserved);
    expect(of(10)).toMatchObject({ do: 'admit' });
    expect(of(11)).toMatchObject({
      do: 'hold',
      shortage: null,
      reason: expect.stringMatching(
        /40 B available on \/srv \(disk\.also_watch\).*: 1 B short\. Make room there/,
      ),
    });
    expect(of(11, { isFreedByDeletion: true })).toMatchObject({ do: 'reclaim' });
    const snapshot = { need: null, preparation: { bytes: 11, inodes: 0 }, relief };
    expect(step(request(), facts({ ...snapshot, bounds: [below] }), reserved)).toMatchObject({
      do: 'hold',
      shortage: null,
      reason: expect.stringContaining('available on /srv'),
    });
    expect(of(981)).toMatchObject({ do: 'reject', code: 'NEVER_FITS' });
  });

  it('holds for as long as the room that a request was given has run out', () => {
    expect(step(request(), facts({ doubt: 'others took it' }), sums())).toMatchObject({
      do: 'hold',
      reason: 'others took it',
    });
    expect(
      step(request({ heldAt: NOW - 600_000 }), facts({ doubt: 'others took it' }), sums()),
    ).toMatchObject({
      do: 'reject',
      code: 'MAX_WAIT_EXCEEDED',
    });
  });
});
