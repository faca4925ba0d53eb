import { stripVTControlCharacters } from 'node:util';

/** So much of what a command printed last is kept. */
const MOST_BYTES = 64 * 1024;
const MOST_LINES = 5;
const MOST_OF_LINE = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Keeps the end of what a command prints, so that one that prints without end takes no more memory or disk than others. */
export function createOutput() {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let dropped = false;
  return {
    add(chunk: Buffer): void {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes < 2 * MOST_BYTES) return;
      chunks = [Buffer.concat(chunks).subarray(-MOST_BYTES)];
      bytes = MOST_BYTES;
      dropped = true;
    },
    /** What is kept, with a line that says so where the beginning is not. */
    text(): string {
      const all = Buffer.concat(chunks);
      const note = dropped || all.length > MOST_BYTES ? '[…]\n' : '';
      return note + all.subarray(-MOST_BYTES).toString('utf8');
    },
  };
}

/** The last lines that say something, for a message: without colours and control characters, and cut where they are long. */
export function lastLines(text: string, most = MOST_LINES): string[] {
  return stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(CONTROL, '').trim())
    .filter((line) => line !== '')
    .slice(-most)
    .map((line) => (line.length > MOST_OF_LINE ? `${line.slice(0, MOST_OF_LINE)}…` : line));
}

/** What a command printed last, to end a message about it with, and where the rest of it is kept. */
export function sayPrinted(output: string, path: string): string {
  const lines = lastLines(output);
  return lines.length > 0 ? `: ${lines.join(' | ')} (what it printed: ${path})` : ', and printed nothing';
}
