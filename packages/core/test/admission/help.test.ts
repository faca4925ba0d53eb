import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type HelpInput, type Holder, whatWouldHelp } from '../../src/index.ts';

const NOW = 1_700_000_000_000;
const MIN = 60_000;
const NONE = { bytes: 0, inodes: 0, slots: 0 };

function holder(gb: number, change: Partial<Holder> = {}): Holder {
  const holds = { bytes: gb * 1e9, inodes: 100 };
  const none = { growth: { bytes: 0, inodes: 0 }, pinned: false, leaseEndsAt: null, keptUntil: null };
  return { id: 'spica-0001', holds, ...none, ...change };
}
function help(change: Partial<HelpInput>) {
  return whatWouldHelp({
    shortfall: { bytes: 5e9, inodes: 0, slots: 0 },
    holders: [],
    reserved: NONE,
    trash: { bytes: 0, inodes: 0 },
    stuck: { bytes: 0, inodes: 0 },
    ballastBytes: 0,
    keptBy: 'keep_after_lease',
    now: NOW,
    ...change,
  });
}
const pinned = [holder(3, { pinned: true }), holder(3, { pinned: true }), holder(3.1, { pinned: true })];
const leased = [40, 20, 90].map((minutes) => holder(3, { leaseEndsAt: NOW + minutes * MIN }));

it('names pins, and as many leases as it takes, those that end first', () => {
  const found = help({ holders: [...pinned, ...leased] });
  expect(found.sentence).toBe('3 pinned instances hold 9.1 GB; 2 leases end within 40 min');
  expect(found.leases).toEqual({ count: 2, bytes: 6e9, inodes: 200, firstMs: 20 * MIN, withinMs: 40 * MIN });
});

it('names what is on its way and what lies in the trash', () => {
  const reserved = { bytes: 9.3e9, inodes: 10, slots: 4 };
  expect(help({ reserved, trash: { bytes: 2e9, inodes: 5 } }).sentence).toBe(
    'requests on their way hold 9.3 GB for 4; the trash holds 2.0 GB',
  );
});

it('says when all of it would not be enough', () => {
  expect(help({ holders: [holder(1, { leaseEndsAt: NOW + 180 * MIN })] }).sentence).toBe(
    '1 lease ends within 3 h; the rest is held by others',
  );
  expect(help({}).sentence).toBe('nothing that Spica protects is in the way: others hold it');
});

it('never says that others hold slots, nor that the trash does', () => {
  const slots = { shortfall: { bytes: 0, inodes: 0, slots: 4 }, trash: { bytes: 2e9, inodes: 5 } };
  expect(help(slots).sentence).toBe(
    'instances are in the way that are neither pinned nor leased: `spica prune --dry-run` shows why they stay',
  );
  expect(help({ ...slots, holders: pinned }).sentence).toBe(
    '3 pinned instances hold 9.1 GB; further instances are in the way: `spica prune --dry-run` shows why they stay',
  );
});

it('reports inodes where only these are missing', () => {
  const shortfall = { bytes: 0, inodes: 150, slots: 0 };
  expect(help({ shortfall, holders: pinned }).sentence).toBe('3 pinned instances hold 300 inodes');
});

it('names no more leases than it takes, and enough of them where there are', () => {
  const instances = fc.array(
    fc.record({
      id: fc.constant('spica-0001'),
      growth: fc.constant({ bytes: 0, inodes: 0 }),
      keptUntil: fc.constant(null),
      holds: fc.record({ bytes: fc.integer({ min: 0, max: 5e9 }), inodes: fc.integer({ min: 0, max: 9 }) }),
      pinned: fc.constant(false),
      leaseEndsAt: fc.integer({ min: NOW, max: NOW + 600 * MIN }),
    }),
  );
  fc.assert(
    fc.property(instances, (holders) => {
      const { leases, enough } = help({ holders });
      const soonest = holders.toSorted((a, b) => a.leaseEndsAt - b.leaseEndsAt).slice(0, leases.count);
      const freed = soonest.reduce((sum, each) => sum + each.holds.bytes, 0);
      expect(leases.bytes).toBe(freed);
      expect(enough).toBe(freed >= 5e9);
      const last = soonest.at(-1);
      if (last && enough) expect(freed - last.holds.bytes).toBeLessThan(5e9);
      if (!enough) expect(leases.count).toBe(holders.length);
    }),
  );
});

it('names the ballast where it is what stands in the way', () => {
  expect(help({ ballastBytes: 6e9 }).sentence).toMatch(/^the ballast holds 6.0 GB \(disk.ballast_mb\)/);
  expect(help({ ballastBytes: 4e9 }).sentence).not.toMatch(/ballast/);
});

it('names what is kept after its lease, how long, and what gives it up', () => {
  const kept = [holder(3, { keptUntil: NOW + 60 * MIN }), holder(3, { keptUntil: NOW + 90 * MIN })];
  expect(help({ holders: [...kept, holder(9, { keptUntil: NOW - MIN })] }).sentence).toBe(
    '2 instances are kept for 90 min more (retention.keep_after_lease), unless discarded: `spica release ID --discard`',
  );
});

it('names whose growth is counted, those that are to grow most, and says of none of it that others hold it', () => {
  const growing = (id: string, gb: number) => {
    const size = { bytes: gb * 1e9, inodes: 0 };
    return holder(0, { id, holds: { bytes: size.bytes + 20_000, inodes: 9 }, growth: size });
  };
  const found = help({ holders: [growing('spica-a', 1), growing('spica-b', 3), growing('spica-c', 2)] });
  expect(found.sentence).toBe('counted as growth still to come: spica-b (3.0 GB), spica-c (2.0 GB), 1 more');
  expect(found.growing).toEqual({ count: 3, bytes: 6e9, inodes: 0 });
  const pinned = help({ holders: [{ ...growing('spica-a', 6), pinned: true }] });
  expect(pinned.sentence).toBe(
    '1 pinned instance holds 6.0 GB; counted as growth still to come: spica-a (6.0 GB)',
  );
});

it('does not count on trash that cannot be deleted, and says where to look', () => {
  const found = help({ stuck: { bytes: 6e9, inodes: 1 } });
  expect(found.enough).toBe(false);
  expect(found.sentence).toBe(
    '6.0 GB of the trash cannot be deleted: `spica doctor` says what helps; the rest is held by others',
  );
});
