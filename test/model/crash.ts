import { AsyncLocalStorage } from 'node:async_hooks';
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Redis } from 'ioredis';

/** What every step of a process throws from the moment on at which it was killed. */
class Crashed extends Error {}

/**
 * One life of a worker, which may end in the middle: after so many steps that change the disk or Redis, each further one
 * fails, those of `catch` and `finally` too. What is left behind is what a kill would have left.
 */
export class Life {
  #left: number;
  readonly #end: () => void;
  crashed = false;

  /** `steps`: how many it lives to take; null for a life that does not end. `end`: called when it does. */
  constructor(steps: number | null, end: () => void = () => undefined) {
    this.#left = steps ?? Number.POSITIVE_INFINITY;
    this.#end = end;
  }

  /** Runs work, and whatever that starts, in this life. What a crash throws is swallowed: `crashed` tells. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await lives.run(this, work);
    } catch (error) {
      if (this.crashed) return undefined;
      throw error;
    }
  }

  /** Whether the next step is the one that is cut off in the middle. */
  get isEnding(): boolean {
    return !this.crashed && this.#left === 0;
  }

  /** To be called before each step. */
  step(): void {
    if (this.#left === 0 && !this.crashed) {
      this.crashed = true;
      this.#end();
    }
    if (this.crashed) throw new Crashed('killed');
    this.#left -= 1;
  }
}

const lives = new AsyncLocalStorage<Life>();

/** One step of whichever life this is; outside of any, nothing. */
export function step(): void {
  lives.getStore()?.step();
}

type Method = (this: unknown, ...args: never[]) => unknown;

/** Has a method take a step first. Asynchronous ones reject, as they would. */
function before(target: object, name: string, takes: (args: readonly unknown[]) => boolean = () => true) {
  const original = Reflect.get(target, name) as Method;
  Reflect.set(target, name, function (this: unknown, ...args: never[]) {
    try {
      if (takes(args)) step();
    } catch (error) {
      return Promise.reject(error);
    }
    return original.apply(this, args);
  });
}

/** The commands of Redis that change nothing; of those between MULTI and EXEC each is looked at by itself. */
const READS =
  /^(get|hget|hgetall|hmget|hexists|zrange|zcard|scard|time|exists|lrange|info|xrange|xrevrange|multi|exec)$/i;

let installed: Promise<void> | null = null;

/** Makes every change of the disk and of Redis in this process a step. Safe to call again. */
export function installSteps(): Promise<void> {
  installed ??= install();
  return installed;
}

/** The calls that change a filesystem. */
const CHANGES = ['rename', 'rm', 'unlink', 'mkdir', 'writeFile', 'utimes', 'symlink', 'chmod'];

async function install(): Promise<void> {
  for (const name of CHANGES) before(fs, name);
  before(fs, 'open', ([, flags]) => flags !== 'r' && flags !== undefined);
  const handle = await fs.open('/dev/null', 'r');
  const files: object = Object.getPrototypeOf(handle);
  await handle.close();
  for (const name of ['writeFile', 'truncate', 'sync', 'datasync']) before(files, name);
  tearAppends(files);
  syncBuiltinESMExports();
  before(Redis.prototype, 'sendCommand', ([command]) => !READS.test((command as { name: string }).name));
}

/** An append that is cut off leaves a part of a line. */
function tearAppends(files: object): void {
  const append = Reflect.get(files, 'appendFile') as (this: FileHandle, data: Buffer) => Promise<void>;
  Reflect.set(files, 'appendFile', async function (this: FileHandle, data: Buffer) {
    const life = lives.getStore();
    if (life?.isEnding) await append.call(this, data.subarray(0, data.length / 2));
    life?.step();
    await append.call(this, data);
  });
}
