import { open } from 'node:fs/promises';
import { rotatedFiles } from './rotate.ts';

const BLOCK = 64 * 1024;

/**
 * The log's last `count` lines, oldest first, without line breaks; from rotated files too. What has no break yet is being
 * written, and no line. Empty where there is no log.
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

async function tailFile(path: string, count: number): Promise<string[]> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return [];
  try {
    let start = (await file.stat()).size;
    let text = Buffer.alloc(0);
    while (start > 0 && countBreaks(text) <= count) {
      const length = Math.min(BLOCK, start);
      start -= length;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      text = Buffer.concat([buffer.subarray(0, bytesRead), text]);
    }
    const pieces = text
      .toString('utf8')
      .split('\n')
      .slice(start > 0 ? 1 : 0, -1);
    return pieces.filter(Boolean).slice(-count);
  } finally {
    await file.close();
  }
}

function countBreaks(text: Buffer): number {
  let count = 0;
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) count += 1;
  return count;
}
