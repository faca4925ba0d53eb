import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '../write-whole.ts';
import { CHAIN_START, type ChainEnd, hashLine, seqOf } from './line.ts';
import { tailAudit } from './tail.ts';

/** The open log file, and where its chain stands. */
export interface LogFile {
  readonly handle: FileHandle;
  readonly inode: number;
  size: number;
  end: ChainEnd;
}

/** What opening found: the file, and how many bytes of a torn last line were cut off. */
export interface OpenedLog {
  readonly file: LogFile;
  readonly tornBytes: number;
}

/** Opens the log for appending and finds the end of its chain. A last line without its break (a crash) is cut off. */
export async function openLogFile(path: string): Promise<OpenedLog> {
  const handle = await open(path, 'a+', 0o640);
  try {
    const tornBytes = await cutTornLine(handle);
    const { size, ino } = await handle.stat();
    if (size === 0) await syncDirectory(dirname(path)); // it may be new: its name is to last as its lines do
    return { file: { handle, inode: ino, size, end: await chainEndOf(path) }, tornBytes };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * From the last line. What is not one of ours counts as a line all the same: the chain goes on from it, and
 * `verifyAudit` names it.
 */
async function chainEndOf(path: string): Promise<ChainEnd> {
  for (let count = 1; ; count *= 100) {
    const lines = await tailAudit(path, count);
    const last = lines.at(-1);
    if (last === undefined) return CHAIN_START;
    const ours = lines.findLastIndex((line) => seqOf(line) !== null);
    if (ours === -1 && lines.length === count) continue; // look further back
    const seq = (seqOf(lines[ours] ?? '') ?? 0) + lines.length - 1 - ours;
    return { seq, hash: hashLine(last) };
  }
}

async function cutTornLine(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  let at = size;
  const block = Buffer.alloc(64 * 1024);
  while (at > 0) {
    const length = Math.min(block.length, at);
    await handle.read(block, 0, length, at - length);
    const lineBreak = block.subarray(0, length).lastIndexOf(10);
    if (lineBreak !== -1) {
      at = at - length + lineBreak + 1;
      break;
    }
    at -= length;
  }
  if (at < size) await handle.truncate(at);
  return size - at;
}

/** Appends whole lines, or nothing: what a full disk took only a part of is cut off again. */
export async function appendWhole(file: LogFile, text: string): Promise<void> {
  if (text === '') return;
  const data = Buffer.from(text);
  try {
    await file.handle.appendFile(data);
  } catch (error) {
    await file.handle.truncate(file.size);
    throw error;
  }
  file.size += data.length;
}
