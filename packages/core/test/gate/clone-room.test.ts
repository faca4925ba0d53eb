import { expect, it } from 'vitest';
import { certainShortfall, FilesystemTotals, Ledger, roomForClone } from '../../src/index.ts';

const NOTHING = { bytes: 0, inodes: 0 };
const clone = { bytes: 30, inodes: 3 };

function disk(availableBytes: number, freeInodes: number | null = null) {
  const space = { availableBytes, totalBytes: 1_000, freeInodes, totalInodes: freeInodes };
  return { space, landed: NOTHING, floor: { bytes: 20, inodes: 2 } };
}

it('lets no clone begin that would cross the floor, in bytes or inodes', () => {
  const totals = new FilesystemTotals();
  expect(roomForClone(clone, disk(50), totals)).toBe('begin');
  expect(roomForClone(clone, disk(49), totals)).toBe('none');
  expect(roomForClone(clone, disk(50, 5), totals)).toBe('begin');
  expect(roomForClone(clone, disk(50, 4), totals)).toBe('none');
});

it('counts each clone that is under way, of any pool on the filesystem: eight do not pass on one reading', () => {
  const totals = new FilesystemTotals();
  const ledgers = [new Ledger(totals), new Ledger(totals)];
  const begun = Array.from({ length: 8 }, (_, i) => {
    const room = roomForClone(clone, disk(110), totals);
    if (room === 'begin') ledgers[i % 2]?.beginClone(`c${i}`, clone);
    return room;
  });
  expect(begun).toEqual(['begin', 'begin', 'begin', ...Array(5).fill('wait')]);
});

it('counts what has landed since the disk was read', () => {
  const totals = new FilesystemTotals();
  totals.landed.add({ bytes: 1, inodes: 0 });
  expect(roomForClone(clone, disk(50), totals)).toBe('none');
});

it('what clones under way take is no certain shortage of space; slots are', () => {
  const cloning = { bytes: 80, inodes: 8 };
  const certain = (bytes: number, inodes: number, slots: number) =>
    certainShortfall({ bytes, inodes, slots }, cloning);
  expect(certain(80, 8, 0)).toEqual({ bytes: 0, inodes: 0, slots: 0 });
  expect(certain(81, 9, 1)).toEqual({ bytes: 1, inodes: 1, slots: 1 });
  expect(certain(0, 0, 2)).toEqual({ bytes: 0, inodes: 0, slots: 2 });
});
