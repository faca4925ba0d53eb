import { FilesystemTotals, type Size, type Space } from '@spica/core';
import { beforeEach, expect, it } from 'vitest';
import {
  announceCloneEnd,
  awaitRoomForClone,
  type CloneDisk,
  type Filesystem,
} from '../../src/gate/filesystem.ts';
import type { Line } from '../../src/gate/line.ts';

const FLOOR = 20;
const CLONE: Size = { bytes: 30, inodes: 3 };

function aFilesystem(id: string): Filesystem {
  const sets = { waiting: new Set<() => void>(), lines: new Set<Line>() };
  return { id, totals: new FilesystemTotals(), ...sets, sharedBy: null, elsewhereChangedAt: null };
}

let filesystem: Filesystem;
let available: number;
let readings: number;
/** Called while the disk is read. */
let duringReading: () => unknown;
beforeEach(() => {
  filesystem = aFilesystem('test');
  available = 120;
  readings = 0;
  duringReading = () => undefined;
});

const spaceOf = (availableBytes: number): { space: Space; floor: Size } => ({
  space: { availableBytes, totalBytes: 200, freeInodes: null, totalInodes: null },
  floor: { bytes: FLOOR, inodes: 0 },
});

/** Begins a clone of 30 bytes as soon as it may, also by what is free on a disk below. */
function clone(signal?: AbortSignal, below: readonly CloneDisk[] = []): Promise<boolean> {
  const read = async () => {
    readings += 1;
    const reading = spaceOf(available);
    duringReading();
    return reading;
  };
  const disks = [{ filesystem, size: CLONE, read }, ...below];
  const begin = () => {
    for (const disk of disks) disk.filesystem.totals.cloning.add(CLONE);
  };
  return awaitRoomForClone(disks, begin, signal);
}

/** One has ended, and has put all of its bytes on the disk. */
function endClone(): void {
  available -= CLONE.bytes;
  filesystem.totals.cloning.add(CLONE, -1);
  announceCloneEnd([filesystem]);
}

const underWay = () => filesystem.totals.cloning.size.bytes / CLONE.bytes;

it('lets as many clones begin on one reading of the disk as fit beside one another, above the floor', async () => {
  const all = Array.from({ length: 8 }, () => clone());
  await expect.poll(() => readings).toBe(8);
  await expect.poll(() => filesystem.waiting.size).toBe(5);
  expect(underWay()).toBe(3);
  endClone();
  await expect.poll(() => filesystem.waiting.size).toBe(5); // what it took is gone
  expect(underWay()).toBe(2);
  available += CLONE.bytes; // somebody deleted something
  announceCloneEnd([filesystem]);
  await expect.poll(underWay).toBe(3);
  for (let i = 0; i < 3; i += 1) endClone();
  expect((await Promise.all(all)).filter((begun) => begun)).toHaveLength(4);
  expect([available, filesystem.waiting.size]).toEqual([30, 0]);
});

it('has no room where a clone would cross the floor though nobody else clones, and begins nothing', async () => {
  available = FLOOR + CLONE.bytes - 1;
  expect(await clone()).toBe(false);
  expect(underWay()).toBe(0);
  available += 1;
  expect(await clone()).toBe(true);
});

it('counts what landed while the disk was read as taken', async () => {
  available = FLOOR + CLONE.bytes;
  duringReading = () => filesystem.totals.landed.add({ bytes: 1, inodes: 0 });
  expect(await clone()).toBe(false);
  expect(readings).toBe(3);
});

it('reads the disk again where growth ended meanwhile, which may not have come true', async () => {
  available = FLOOR + CLONE.bytes;
  duringReading = () => readings === 1 && filesystem.totals.landed.add({ bytes: 1, inodes: 0 });
  expect(await clone()).toBe(true);
});

it('gives up waiting when its job has to stop, and waits for nothing more', async () => {
  available = FLOOR + CLONE.bytes;
  await clone();
  const stop = new AbortController();
  const waits = clone(stop.signal);
  await expect.poll(() => filesystem.waiting.size).toBe(1);
  stop.abort(new Error('shutting down'));
  await expect(waits).rejects.toThrow('shutting down');
  expect([underWay(), filesystem.waiting.size]).toEqual([1, 0]);
  await expect(clone(AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});

it('leaves the floor of a disk below alone too, and waits for whoever clones onto that', async () => {
  const below = aFilesystem('below');
  let left = FLOOR + CLONE.bytes - 1;
  const disk = { filesystem: below, size: CLONE, read: async () => spaceOf(left) };
  expect(await clone(undefined, [disk])).toBe(false);
  left += 1;
  below.totals.cloning.add({ bytes: 1, inodes: 0 }); // of a pool that lies there itself
  const waits = clone(undefined, [disk]);
  await expect.poll(() => below.waiting.size).toBe(1);
  below.totals.cloning.add({ bytes: 1, inodes: 0 }, -1);
  announceCloneEnd([below]);
  expect(await waits).toBe(true);
  expect([filesystem.waiting.size, below.waiting.size]).toEqual([0, 0]);
});
