import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;
const LINE_BREAK = 10;

/** A line's bytes without its break; the last one may lack it. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

/**
 * The lines of a file's first `size` bytes, from the offset `from` on. By line feeds alone: Node's readline also ends a line at a carriage return
 * and at U+2028, which a reason may hold.
 */
export async function* readLines(file: FileHandle, size: number, from = 0): AsyncGenerator<RawLine> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = from; at < size; ) {
    const block = Buffer.alloc(Math.min(BLOCK_BYTES, size - at));
    const { bytesRead } = await file.read(block, 0, block.length, at);
    if (bytesRead === 0) break; // cut off while it was read
    at += bytesRead;
    const data = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = data.indexOf(LINE_BREAK); end !== -1; end = data.indexOf(LINE_BREAK, start)) {
      yield { bytes: data.subarray(start, end), isWhole: true };
      start = end + 1;
    }
    rest = data.subarray(start);
  }
  if (rest.length > 0) yield { bytes: rest, isWhole: false };
}
