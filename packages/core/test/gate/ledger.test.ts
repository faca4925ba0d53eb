import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FilesystemTotals, Ledger } from '../../src/index.ts';
import { anyOperation, type Grows, LedgerModel, type Operation } from './ledger-model.ts';

/** The same sequences each time, so that a red run is the change's doing; another SPICA_SEED tries others. */
const RUNS = {
  numRuns: 500,
  seed: Number(process.env['SPICA_SEED'] ?? 20_261_130),
};
const NOW = 1_700_000_000_000;

function perform(ledger: Ledger, operation: Operation, now: number): unknown {
  const instance = (own: number, { bytes, inodes, ms }: Grows) => ({
    ownBytes: own,
    growth: { bytes, inodes, endsAt: now + ms },
  });
  switch (operation.do) {
    case 'reserve':
      return ledger.reserve(operation.request, operation.each, operation.slots);
    case 'commit': {
      const { request, id, own, grows } = operation;
      return ledger.commit(request, id, instance(own, grows), { bytes: own, inodes: 1 });
    }
    case 'giveBack':
      return ledger.giveBack(operation.request);
    case 'prepare':
      return ledger.beginPreparation(operation.template, operation.size);
    case 'prepared':
      return ledger.endPreparation(operation.template, operation.landed);
    case 'count':
      return ledger.count(operation.id, instance(operation.own, operation.grows));
    case 'remove':
      return ledger.remove(operation.id);
    case 'pass':
      return undefined;
  }
}

describe('a ledger', () => {
  it('adds up, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 10, maxLength: 60, size: 'max' }), (operations) => {
        const ledger = new Ledger(new FilesystemTotals(), new Map([['below', new FilesystemTotals()]]));
        const model = new LedgerModel();
        let landed = 0;
        for (const operation of operations) {
          const { now } = model;
          const answer = model.apply(operation);
          expect(perform(ledger, operation, now)).toBe(answer);
          const { landed: total, bounds, ...sums } = ledger.sums(model.now);
          expect(sums).toEqual(model.sums());
          expect(bounds['below']).toEqual({
            reservedBytes: sums.reserved.bytes,
            growthBytes: sums.growth.bytes,
            landedBytes: total.bytes,
          });
          expect(ledger.ownBytes).toBe(model.ownBytes);
          expect(total.bytes).toBeGreaterThanOrEqual(landed);
          landed = total.bytes;
        }
      }),
      RUNS,
    );
  });

  it('counts what a pool in an image takes of the disk below too, and what lies there itself, both ways', () => {
    const outer = new FilesystemTotals();
    const inImage = new Ledger(new FilesystemTotals(), new Map([['outer', outer]]));
    const beside = new Ledger(outer);
    inImage.reserve('r', { bytes: 10, inodes: 1 }, 2);
    beside.reserve('s', { bytes: 5, inodes: 1 }, 1);
    expect(beside.sums(NOW).reserved).toEqual({ bytes: 25, inodes: 3, slots: 1 });
    expect(inImage.sums(NOW)).toMatchObject({
      reserved: { bytes: 20, slots: 2 },
      bounds: { outer: { reservedBytes: 25 } },
    });
  });

  it('of two pools on one filesystem reserves each byte once, and counts the slots of each pool apart', () => {
    const filesystem = new FilesystemTotals();
    const [one, other] = [new Ledger(filesystem), new Ledger(filesystem)];
    one.reserve('r', { bytes: 10, inodes: 1 }, 3);
    other.count('spica-0001', { ownBytes: 5, growth: { bytes: 7, inodes: 2, endsAt: NOW + 1 } });
    filesystem.elsewhere = { bytes: 100, inodes: 50 };
    expect(other.sums(NOW)).toMatchObject({
      reserved: { bytes: 130, inodes: 53, slots: 0 },
      growth: { bytes: 7, inodes: 2 },
      instances: 1,
    });
    expect(one.sums(NOW)).toMatchObject({ reserved: { slots: 3 }, growth: { bytes: 7 }, instances: 0 });
  });

  it('says of a commit how much has landed, and of growth how much has come true: no reading of the disk counts it twice', () => {
    const ledger = new Ledger();
    ledger.reserve('r', { bytes: 60, inodes: 6 }, 1);
    const before = ledger.sums(NOW).landed;
    const growth = { bytes: 40, inodes: 4, endsAt: NOW + 10 };
    ledger.commit('r', 'spica-0001', { ownBytes: 20, growth }, { bytes: 20, inodes: 2 });
    const after = ledger.sums(NOW);
    expect(after.landed).toEqual({ bytes: before.bytes + 20, inodes: before.inodes + 2 });
    // What was reserved is what has landed and what is still to come: 60 before, 20 + 40 now.
    expect(after).toMatchObject({ reserved: { bytes: 0, slots: 0 }, growth: { bytes: 40 } });
    ledger.count('spica-0001', { ownBytes: 50, growth: { ...growth, bytes: 10 } });
    expect(ledger.sums(NOW).landed.bytes).toBe(after.landed.bytes + 30);
  });

  it('says of growth that is expected no more that it may have come true, whatever ended it', () => {
    const growth = { bytes: 40, inodes: 4, endsAt: NOW + 10 };
    const ends: ((ledger: Ledger) => unknown)[] = [
      (ledger) => ledger.count('spica-0001', { ownBytes: 20, growth: { ...growth, bytes: 0, inodes: 0 } }),
      (ledger) => ledger.remove('spica-0001'),
      (ledger) => ledger.sums(NOW + 10),
    ];
    for (const end of ends) {
      const ledger = new Ledger();
      ledger.count('spica-0001', { ownBytes: 20, growth });
      expect(ledger.sums(NOW).landed.bytes).toBe(0);
      end(ledger);
      expect(ledger.sums(NOW).landed).toEqual({ bytes: 40, inodes: 4 });
    }
    const raised = new Ledger();
    raised.count('spica-0001', { ownBytes: 20, growth });
    raised.count('spica-0001', { ownBytes: 45, growth: { ...growth, bytes: 60 } });
    expect(raised.sums(NOW).landed.bytes).toBe(25);
  });

  it('counts clones under way until they end, each once', () => {
    const filesystem = new FilesystemTotals();
    const ledger = new Ledger(filesystem);
    ledger.beginClone('a', { bytes: 5, inodes: 1 });
    ledger.beginClone('a', { bytes: 5, inodes: 1 });
    ledger.beginClone('b', { bytes: 7, inodes: 1 });
    expect(filesystem.cloning.size).toEqual({ bytes: 12, inodes: 2 });
    for (const id of ['a', 'a', 'b', 'c']) ledger.endClone(id);
    expect(filesystem.cloning.size).toEqual({ bytes: 0, inodes: 0 });
  });

  it('stays small when instances change for days, and ends their growth all the same', () => {
    const ledger = new Ledger();
    for (let i = 0; i < 50_000; i += 1) {
      ledger.count('spica-0001', { ownBytes: 1, growth: { bytes: 10, inodes: 0, endsAt: NOW + 1_000 + i } });
    }
    expect(ledger.sums(NOW + 50_998).growth.bytes).toBe(10);
    expect(ledger.sums(NOW + 50_999).growth.bytes).toBe(0);
    expect(ledger.nextGrowthEnd).toBeNull();
  });
});

describe('an image on a disk', () => {
  it('is promised what it may still take of it, less what is reserved in it, which is reserved there too', () => {
    const [host, inside] = [new FilesystemTotals(), new FilesystemTotals()];
    const image = new Ledger(inside, new Map([['host', host]]));
    const beside = new Ledger(host);
    host.pledge(inside, 100);
    image.reserve('r', { bytes: 30, inodes: 0 }, 1);
    expect(beside.sums(0).reserved.bytes).toBe(100);
    expect(image.sums(0).bounds['host']?.reservedBytes).toBe(30);
    image.reserve('r', { bytes: 130, inodes: 0 }, 1);
    expect(beside.sums(0).reserved.bytes).toBe(130);
  });
});
