import { createReadStream } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { nullIfMissing } from '@spica/core';

/** Redis's own name for the directory that its append-only file is made of. */
const DIR = 'appendonlydir';
/** What of it is appended to: plain commands, whose texts are JSON, in which a byte of 0 is written otherwise. */
const APPENDED = '.incr.aof';
/** So many zero bytes in a row were never written there: a disk has lost a part of the file. */
const HOLE = Buffer.alloc(16);

/** How Redis names a file that it cannot make anything of, as opposed to one that it may not read. */
const DAMAGED = [
  /(Bad file format|Unrecoverable error|Unexpected end of file) reading the append only file/,
  /FATAL AOF MANIFEST FILE ERROR/,
  /Unable to obtain the AOF file .*: No such file/,
];

/** Whether a Redis that did not start says that its append-only file is damaged. */
export function saysDamaged(log: string): boolean {
  return DAMAGED.some((words) => words.test(log));
}

/**
 * Whether a part of the append-only file in a Redis's directory was replaced by zero bytes, as a power cut or a bad disk
 * does. Redis itself reads on where they lie within a text: the catalog would hold texts that nobody wrote.
 */
export async function hasHoles(dir: string): Promise<boolean> {
  const files = (await nullIfMissing(readdir(join(dir, DIR)))) ?? [];
  for (const file of files.filter((name) => name.endsWith(APPENDED))) {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(join(dir, DIR, file), { highWaterMark: 1_048_576 })) {
      const data = Buffer.concat([rest, chunk as Buffer]);
      if (data.includes(HOLE)) return true;
      rest = data.subarray(1 - HOLE.length);
    }
  }
  return false;
}

/** Moves a Redis's directory out of its way, under a name with the date, and returns where it is then. */
export async function setAside(dir: string, now: number): Promise<string> {
  const date = new Date(now).toISOString().replaceAll(':', '-');
  const aside = `${dir}.damaged-${date}`;
  await rename(dir, aside);
  return aside;
}
