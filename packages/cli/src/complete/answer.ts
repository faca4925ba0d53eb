import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../io.ts';
import { buildProgram } from '../program.ts';
import type { Kind } from './kinds.ts';
import { suggest } from './tree.ts';
import type { Words } from './words.ts';

/** A shell waits for it at each press of a key: what takes longer to find is left out. */
const LIVE_MS = 100;
/** The shell is to complete names of files. */
const FILES = ':0\n';
/** A shell expands what it is given, and takes it apart: of names that others chose, the harmless ones alone. */
const HARMLESS = /^[\w.@%+,/-]+$/;

/**
 * Says what may stand in place of the last word of a command line, as the scripts of `spica complete SHELL` read it. Values
 * of the config, the catalog or the stack come within `liveMs`, or none do. It never fails: a shell shows no errors.
 */
export async function complete(io: Io, asked: Words, { liveMs = LIVE_MS } = {}): Promise<0> {
  const { command } = buildProgram(io);
  const wanted = new Set<Kind>();
  const draft = suggest(command, asked.words, (kind) => {
    wanted.add(kind);
    return [];
  });
  const [kind] = wanted;
  if (kind === undefined) io.stdout.write(draft);
  else if (kind === 'file') io.stdout.write(FILES);
  else {
    const values = await withinTime(io, kind, asked, liveMs);
    io.stdout.write(suggest(command, asked.words, () => values ?? []));
    // What is still being read would keep the shell waiting.
    if (values === null) io.exit(0);
  }
  return 0;
}

/** Null where it takes too long. */
async function withinTime(
  io: Io,
  kind: Exclude<Kind, 'file'>,
  asked: Words,
  liveMs: number,
): Promise<readonly string[] | null> {
  const over = new AbortController();
  // Loaded and run from the start of the time: what it brings along is most of what takes time.
  const reading = import('./live.ts').then(({ readValues }) => readValues(io, kind, asked)).catch(() => []);
  const tooLate = sleep(liveMs, null, { signal: over.signal }).catch(() => null);
  const values = await Promise.race([reading, tooLate]);
  over.abort();
  return values?.filter((value) => HARMLESS.test(value)) ?? null;
}
