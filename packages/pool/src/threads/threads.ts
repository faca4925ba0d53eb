import { extname } from 'node:path';
import { Piscina } from 'piscina';
import type { Tasks } from './tasks.ts';

/** For the two parts of a template, and for what is cloned meanwhile. */
const MOST_THREADS = 4;
/** Deletions have threads of their own: a full disk cannot wait for a collection to another disk, which may hang. */
const MOST_DELETING = 2;
/** A thread holds some 10 MB, and takes 30 ms to start: kept between the spawns of a busy pool, ended at rest. */
const IDLE_MS = 30_000;

/** What the threads run; a `.js` beside this one in the bundle. */
const TASKS = new URL('./tasks.ts', import.meta.url).href.replace(/\.ts$/, extname(import.meta.url));

let threads: Piscina | undefined;
let deleting: Piscina | undefined;

/**
 * Runs a task in another thread. Threads are started when they are needed, end when they were idle for half a minute, and
 * hold up no exit. Of what a task throws only the message comes back. Throws the signal's reason, though not before the task has ended.
 */
export async function inThread<Name extends keyof Tasks>(
  name: Name,
  input: Parameters<Tasks[Name]>[0],
  signal?: AbortSignal,
): Promise<Awaited<ReturnType<Tasks[Name]>>> {
  signal?.throwIfAborted();
  // Not given the signal: it would end the thread, and leave what waits for one behind.
  const result = await threadsFor(name).run(input, { name });
  signal?.throwIfAborted();
  return result;
}

function threadsFor(name: keyof Tasks): Piscina {
  if (name === 'destroy') {
    deleting ??= start(MOST_DELETING);
    return deleting;
  }
  threads ??= start(MOST_THREADS);
  return threads;
}

function start(maxThreads: number): Piscina {
  return new Piscina({ filename: TASKS, minThreads: 0, maxThreads, idleTimeout: IDLE_MS });
}
