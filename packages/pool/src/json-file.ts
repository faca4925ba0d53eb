import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { CheckError, nullIfMissing, reasonOf } from '@spica/core';
import * as z from 'zod';
import { writeFileWhole } from './write-whole.ts';

/** The largest manifest that Spica writes has a thousand parameters of ten thousand characters. */
const MOST_BYTES = 64 * 1024 * 1024;
/** An instance belongs to its runner: a link could lead outside the pool, and opening a pipe would wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A kind of JSON file: what it must hold, and what is said when it does not. */
export interface JsonFileKind<T> {
  readonly schema: z.ZodType<T>;
  /** Code of the CheckError for a file that cannot be read as one of this kind. */
  readonly code: string;
  /** What it should be, for messages: `a manifest`. */
  readonly is: string;
  /** What to do about a broken one, for messages. */
  readonly remedy?: string;
  /** Larger files are not read; 64 MB. */
  readonly mostBytes?: number;
  /** Whether a file must outlast a power cut as soon as it is saved. */
  readonly sync?: boolean;
}

/** Reads and writes the files of one kind. */
export interface JsonFile<T> {
  /** What the file holds; null where there is none. Throws CheckError with the kind's code: path, field, expectation. */
  load(path: string): Promise<T | null>;
  /** As `load`, but null also where the content is of no use: torn by a crash, say. Throws what the filesystem says. */
  loadIfValid(path: string): Promise<T | null>;
  /** The bytes of the file, whatever they are; null where there is none. Throws as `load`. */
  loadBytes(path: string): Promise<Buffer | null>;
  /** Writes the file as a whole (`writeFileWhole`), as `jsonText`. Throws what the filesystem says. */
  save(path: string, content: T): Promise<void>;
}

/** The one form in which Spica writes JSON files: indented by two, with a line break at the end. */
export function jsonText(content: unknown): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Thrown for a file that can be read, and is none of its kind. */
class InvalidError extends Error {}

export function jsonFile<T>(kind: JsonFileKind<T>): JsonFile<T> {
  const { schema, code, is, remedy, mostBytes = MOST_BYTES, sync = false } = kind;

  const readBytes = (path: string) => readRegularFile(path, mostBytes);
  const read = async (path: string) => {
    const bytes = await readBytes(path);
    return bytes && parse(schema, bytes);
  };
  const orFail = <Result>(path: string, work: Promise<Result>): Promise<Result> =>
    work.catch((cause: Error) => {
      const problem =
        cause instanceof InvalidError
          ? `is not ${is}: ${cause.message}`
          : `cannot be read: ${reasonOf(cause)}`;
      throw new CheckError(code, `${path} ${problem}${remedy ? `; ${remedy}` : ''}`, { path }, cause);
    });

  return {
    load: (path) => orFail(path, read(path)),
    loadIfValid: (path) =>
      read(path).catch((error: unknown) => {
        if (error instanceof InvalidError) return null;
        throw error;
      }),
    loadBytes: (path) => orFail(path, readBytes(path)),
    save: (path, content) => writeFileWhole(path, jsonText(content), { sync }),
  };
}

/** Null where there is none. Throws InvalidError for anything but a file of at most so many bytes. */
async function readRegularFile(path: string, mostBytes: number): Promise<Buffer | null> {
  const file = await nullIfMissing(open(path, FLAGS)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ELOOP' ? new InvalidError('expected a file, got a symbolic link') : error;
  });
  if (!file) return null;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new InvalidError('expected a file');
    if (stat.size > mostBytes) {
      throw new InvalidError(`expected at most ${mostBytes} bytes, got ${stat.size}`);
    }
    return await readBytesOf(file, stat.size);
  } finally {
    await file.close();
  }
}

/** As `readFile` would, which asks once more how large the file is: with 100,000 records that is a fifth of the time. */
async function readBytesOf(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}

function parse<T>(schema: z.ZodType<T>, bytes: Buffer): T {
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new InvalidError(`expected JSON: ${(cause as Error).message}`, { cause });
  }
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue && issue.path.length > 0 ? `${z.core.toDotPath(issue.path)}: ` : '';
  throw new InvalidError(`${field}${issue?.message ?? 'invalid'}`, { cause: result.error });
}
