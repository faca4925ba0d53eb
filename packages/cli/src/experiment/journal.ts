import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { CheckError, nullIfMissing, UsageError } from '@spica/core';
import { tryFileLock } from '@spica/pool';
import type { Params } from './candidates.ts';
import { type Begin, beginSchema, type Entry, entrySchema, parseLine } from './journal-line.ts';
import type { RunResult } from './result.ts';

/** What an experiment does, as far as it must be the same to go on with it: what its requests are made of, and what runs. */
export interface Sweep {
  readonly command: readonly string[];
  readonly candidates: readonly Params[];
  readonly [setting: string]: unknown;
}

/** How far a run had come. */
export interface Past {
  readonly state: 'submitted' | 'started' | 'ended';
  readonly attempt: number;
  /** Of a run that was started. */
  readonly instance: string | null;
  readonly result: RunResult | null;
  readonly isDecided: boolean;
}

/** An attempt at a run: the key of its request, and the token of its lease. */
export interface Attempt {
  readonly number: number;
  readonly key: string;
  readonly token: string;
}

export interface Generation {
  readonly parent: string;
  readonly candidates: readonly Params[];
}

/** Nobody else may read it: whoever can, can end the leases of its instances. */
const MODE = 0o600;

/**
 * What an experiment has done, as it does it: in a file of JSON lines, from which one that was cut off goes on, or, without
 * a file, in memory alone. Each line is on the disk before what follows from it is begun.
 */
export class Journal {
  readonly #begin: Begin;
  readonly #file: FileHandle | null;
  readonly #past = new Map<number, Past>();
  readonly #generations = new Map<number, Generation>();
  readonly #release: () => void;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    begin: Begin,
    entries: readonly Entry[],
    { file, release }: { file: FileHandle | null; release: () => void },
  ) {
    this.#begin = begin;
    this.#file = file;
    this.#release = release;
    for (const entry of entries) this.#take(entry);
  }

  /** Without a file: it begins anew, and is gone with its process. */
  static inMemory(sweep: Sweep): Journal {
    return new Journal(beginOf(sweep), [], { file: null, release: () => undefined });
  }

  /**
   * Goes on with a file, or begins one. Throws UsageError RESUME_DIFFERS where the file is of an experiment that does
   * something else, RESUME_INVALID that names the line that is none of a journal, and CheckError RESUME_IN_USE.
   */
  static async open(path: string, sweep: Sweep): Promise<Journal> {
    const file = await open(path, 'a', MODE);
    const lock = tryFileLock(path);
    try {
      if (!lock) throw new CheckError('RESUME_IN_USE', `--resume: ${path}: another process goes on with it`);
      const text = (await nullIfMissing(readFile(path, 'utf8'))) ?? '';
      // A line that was cut off says nothing: what it was to tell of had not been begun.
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      await file.truncate(Buffer.byteLength(whole));
      const [first, ...rest] = whole.split('\n').filter((line) => line !== '');
      const begin = first === undefined ? null : parseLine(beginSchema, path, 1, first);
      if (begin && begin.digest !== digestOf(sweep)) throw differs(path, begin.command);
      const entries = rest.map((line, at) => parseLine(entrySchema, path, at + 2, line));
      const journal = new Journal(begin ?? beginOf(sweep), entries, { file, release: lock.release });
      if (!begin) await journal.#write(journal.#begin);
      return journal;
    } catch (error) {
      lock?.release();
      await file.close();
      throw error;
    }
  }

  /** How far a run had come; null where it was not begun. */
  past(index: number): Past | null {
    return this.#past.get(index) ?? null;
  }

  /** The candidates that a generation has had; null where it was not begun. */
  generation(generation: number): Generation | null {
    return this.#generations.get(generation) ?? null;
  }

  /** The same key and token for the same attempt of the same run, whoever asks. */
  attempt(index: number, number: number): Attempt {
    const { sweep, secret } = this.#begin;
    const token = sha256(`${secret}/${index}/${number}`).slice(0, 32);
    return { number, key: `spica-run/${sweep}/${index}/${number}`, token };
  }

  submit(index: number, attempt: number): Promise<void> {
    return this.#add({ event: 'submit', at: now(), index, attempt });
  }

  start(index: number, attempt: number, instance: string): Promise<void> {
    return this.#add({ event: 'start', at: now(), index, attempt, instance });
  }

  result(attempt: number, result: RunResult): Promise<void> {
    return this.#add({ event: 'result', at: now(), index: result.index, attempt, result });
  }

  async decided(index: number, kept: boolean): Promise<void> {
    const attempt = this.past(index)?.attempt ?? 0;
    await this.#add({ event: 'decided', at: now(), index, attempt, kept });
  }

  async beginGeneration(generation: number, { parent, candidates }: Generation): Promise<void> {
    await this.#add({ event: 'generation', at: now(), generation, parent, candidates: [...candidates] });
  }

  async close(): Promise<void> {
    await this.#writing.catch(() => undefined); // whoever wrote was told
    await this.#file?.close();
    this.#release();
  }

  async #add(entry: Entry): Promise<void> {
    await this.#write(entry);
    this.#take(entry);
  }

  #write(line: object): Promise<void> {
    const file = this.#file;
    if (!file) return Promise.resolve();
    const writing = this.#writing.then(async () => {
      await file.write(`${JSON.stringify(line)}\n`);
      await file.datasync();
    });
    this.#writing = writing; // once a line was cut off, none may follow it
    writing.catch(() => undefined);
    return writing;
  }

  #take(entry: Entry): void {
    if (entry.event === 'generation') {
      this.#generations.set(entry.generation, entry);
      return;
    }
    const { index, attempt } = entry;
    const before = this.past(index);
    const known = { attempt, instance: before?.instance ?? null, result: null, isDecided: false };
    switch (entry.event) {
      case 'submit':
        this.#past.set(index, { ...known, state: 'submitted', instance: null });
        break;
      case 'start':
        this.#past.set(index, { ...known, state: 'started', instance: entry.instance });
        break;
      case 'result':
        this.#past.set(index, { ...known, state: 'ended', result: entry.result });
        break;
      case 'decided':
        if (before?.result) {
          const result = { ...before.result, kept: entry.kept };
          this.#past.set(index, { ...before, result, isDecided: true });
        }
    }
  }
}

function beginOf(sweep: Sweep): Begin {
  const [name, secret] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
  const { command } = sweep;
  const digest = digestOf(sweep);
  return {
    event: 'begin',
    at: now(),
    schema: 'spica.run/v1',
    sweep: name,
    secret,
    digest,
    command: [...command],
  };
}

function digestOf(sweep: Sweep): string {
  return sha256(JSON.stringify(Object.entries(sweep).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function differs(path: string, command: readonly string[]): UsageError {
  const message =
    `--resume: ${path} is of another experiment (\`${command.join(' ')}\`): expected the same command, candidates, ` +
    'template and other settings of its requests; name another file to begin anew';
  return new UsageError('RESUME_DIFFERS', message, { path });
}

function now(): string {
  return new Date().toISOString();
}
