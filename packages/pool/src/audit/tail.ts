import { open } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';
import { seqOf } from './line.ts';
import { rotatedFiles } from './rotate.ts';

const BLOCK = 64 * 1024;
const LINE_BREAK = 10;

/**
 * The log's last `count` lines, oldest first, without line breaks; from rotated files too. What has no break yet is being
 * written, and no line; nor is an empty one. Empty where there is no log.
 */
export async function tailAudit(path: string, count: number): Promise<string[]> {
  const newestFirst = [path, ...(await rotatedFiles(path)).reverse()];
  let lines: string[] = [];
  for (const file of newestFirst) {
    if (lines.length >= count) break;
    lines = [...(await tailFile(file, count - lines.length)), ...lines];
  }
  return lines;
}

/** A log that is rotated while it is read seems to lack lines: then it is read again, at most so often. */
const MOST_READS = 5;

/**
 * All lines after the one with this number, oldest first. A line that is still being written has no number yet; the next
 * look takes it.
 */
export async function readAuditAfter(path: string, seen: number): Promise<string[]> {
  let newer: string[] = [];
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    newer = await readNewer(path, seen);
    if (newer.every((line, i) => seqOf(line) === seen + 1 + i)) break;
  }
  return newer;
}

async function readNewer(path: string, seen: number): Promise<string[]> {
  for (let count = 64; ; count *= 4) {
    const lines = await tailAudit(path, count);
    const newer = lines.filter((line) => (seqOf(line) ?? 0) > seen);
    if (newer.length < count) return newer;
  }
}

async function tailFile(path: string, count: number): Promise<string[]> {
  const file = await nullIfMissing(open(path, 'r'));
  if (!file) return [];
  try {
    let start = (await file.stat()).size;
    const newestFirst: Buffer[] = [];
    let ends = 0;
    while (start > 0 && ends <= count) {
      const length = Math.min(BLOCK, start);
      start -= length;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      const block = buffer.subarray(0, bytesRead);
      newestFirst.push(block);
      ends += countEnds(block);
    }
    const pieces = Buffer.concat(newestFirst.reverse())
      .toString('utf8')
      .split('\n')
      .slice(start > 0 ? 1 : 0, -1);
    return pieces.filter(Boolean).slice(-count);
  } finally {
    await file.close();
  }
}

/** How many lines that are not empty end in a block; not counted is one that ends with the block before. */
function countEnds(block: Buffer): number {
  let count = 0;
  for (let at = block.indexOf(LINE_BREAK, 1); at !== -1; at = block.indexOf(LINE_BREAK, at + 1)) {
    if (block[at - 1] !== LINE_BREAK) count += 1;
  }
  return count;
}
