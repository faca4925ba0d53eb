import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Space } from '@spica/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { compareSpace, type DfSpace, doubtSpace } from '../src/space-check.ts';

const GB = 1e9;
const MB = 1e6;

function space(availableBytes: number, totalBytes = 100 * GB): Space {
  return { availableBytes, totalBytes, freeInodes: null, totalInodes: null };
}

describe('df and statfs', () => {
  it('agree on this disk, however much is written to it meanwhile', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'spica-space-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    expect(await doubtSpace(dir)).toBeNull();
  });

  it.each<[string, number, number, number]>([
    ['the same figure', 10 * GB, 10 * GB, 10 * GB],
    ["df's rounding", 10 * GB, 10 * GB - 1023, 10 * GB],
    ['something in between while 2 GB are written', 10 * GB, 9 * GB, 8 * GB],
    ['something in between while 2 GB are freed', 8 * GB, 9 * GB, 10 * GB],
    ['nothing that can be read', 10 * GB, Number.NaN, 10 * GB],
  ])('agree where df says %s', (_, before, df, after) => {
    const read = { availableBytes: df, totalBytes: 100 * GB };
    expect(compareSpace({ df: read, statfs: [space(before), space(after)] })).toBeNull();
  });

  it('disagree beyond what moved in between', () => {
    const df: DfSpace = { availableBytes: 12 * GB, totalBytes: 100 * GB };
    expect(compareSpace({ df, statfs: [space(10 * GB), space(10.5 * GB)] })).toBe(
      'df and statfs disagree on the free space: 12.0 GB and 10.5 GB, of which 500.0 MB moved in between',
    );
    expect(compareSpace({ df, statfs: [space(13 * GB), space(13 * GB - 1)] })).toMatch('12.0 GB and 13.0 GB');
    expect(compareSpace({ df, statfs: [space(12 * GB + 3 * MB), space(12 * GB + 2 * MB)] })).not.toBeNull();
  });

  it('disagree on the size of a disk, as where one counts in other blocks', () => {
    const df: DfSpace = { availableBytes: 10 * GB, totalBytes: 12.5 * GB };
    expect(compareSpace({ df, statfs: [space(10 * GB), space(10 * GB)] })).toBe(
      'df and statfs disagree on the size of the disk: 12.5 GB and 100.0 GB',
    );
  });

  it('agree where what came and went while df ran was seen', async () => {
    const free = [10 * GB, 8 * GB, 10 * GB];
    const ended = Promise.withResolvers<DfSpace>();
    const statfs = async () => {
      const now = free.shift() ?? 10 * GB;
      if (free.length === 0) ended.resolve({ availableBytes: 8.5 * GB, totalBytes: 100 * GB });
      return space(now);
    };
    expect(await doubtSpace('/', { statfs, df: () => ended.promise })).toBeNull();
  });

  it('are read again where something came and went between them, and doubted only if they go on to disagree', async () => {
    const answers = [5 * GB, 10 * GB];
    const statfs = async () => space(10 * GB);
    const once = async () => ({ availableBytes: answers.shift() ?? 0, totalBytes: 100 * GB });
    expect(await doubtSpace('/', { statfs, df: once })).toBeNull();
    const always = async () => ({ availableBytes: 5 * GB, totalBytes: 100 * GB });
    expect(await doubtSpace('/', { statfs, df: always })).toMatch(/^df and statfs disagree/);
  });

  it('are no reason for doubt where df cannot be asked', async () => {
    const df = () => Promise.reject(new Error('df: not found'));
    expect(await doubtSpace('/', { statfs: async () => space(GB), df })).toBeNull();
  });
});
