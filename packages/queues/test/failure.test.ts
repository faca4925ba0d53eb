import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { constants } from 'node:os';
import { CheckError, RefusedError, UsageError } from '@spica/core';
import { UnrecoverableError } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { readFailure, toJobError, toRequestError } from '../src/failure.ts';

describe('the error that a job fails with', () => {
  it.each([
    new CheckError('NO_SPACE', 'the disk is full'),
    new RefusedError('NEVER_FITS', 'asks for 9: max_instances is 3'),
    new UsageError('PAYLOAD_INVALID', 'two\nlines: and a colon'),
  ])('carries code and message of $code through the text that a job keeps', (error) => {
    expect(readFailure(toJobError(error).message)).toEqual({ code: error.code, message: error.message });
  });

  it('is not tried again when Spica threw it on purpose', () => {
    const error = new CheckError('NO_SPACE', 'the disk is full');
    expect(toJobError(error)).toBeInstanceOf(UnrecoverableError);
    expect(toJobError(error).cause).toBe(error);
  });

  it('stays as it is when nobody foresaw it, and reads as INTERNAL', () => {
    const error = new TypeError('x is not a function');
    expect(toJobError(error)).toBe(error);
    expect(readFailure('x is not a function')).toEqual({ code: 'INTERNAL', message: 'x is not a function' });
    expect(toJobError('thrown text').message).toBe('thrown text');
  });
});

/** What the system's error of an action is. */
async function systemError(act: () => unknown): Promise<NodeJS.ErrnoException> {
  try {
    await act();
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error('expected it to fail');
}

describe('what the system says of a file', () => {
  const messageOf = (error: unknown) => readFailure(toJobError(error).message);

  it('is told in words, with the file, and without the name of the error', async () => {
    const error = await systemError(() => readFile('/none/a'));
    expect(error.code).toBe('ENOENT');
    expect(toJobError(error)).toBeInstanceOf(UnrecoverableError);
    expect(toJobError(error).cause).toBe(error);
    expect(messageOf(error)).toEqual({
      code: 'FILE_FAILED',
      message: '/none/a: the system says "no such file or directory" (open)',
    });
  });

  it('names both files where there are two', async () => {
    expect(messageOf(await systemError(() => rename('/none/a', '/none/b'))).message).toBe(
      '/none/a to /none/b: the system says "no such file or directory" (rename)',
    );
  });

  it('is told of a full disk too, where Node names no file', async () => {
    for (const write of [() => writeFile('/dev/full', 'x'), () => writeFileSync('/dev/full', 'x')]) {
      const error = await systemError(write);
      expect(error).toMatchObject({ code: 'ENOSPC', message: 'ENOSPC: no space left on device, write' });
      expect(messageOf(error)).toEqual({
        code: 'FILE_FAILED',
        message: 'the system says "no space left on device" (write)',
      });
    }
  });

  it.each([
    ['EIO', 'i/o error'],
    ['EROFS', 'read-only file system'],
    ['EFBIG', 'file too large'],
    ['EDQUOT', 'disk quota exceeded'],
  ] as const)('is told of %s, with a path and without', (code, says) => {
    const errno = -constants.errno[code];
    const raw = Object.assign(new Error(`${code}: ${says}, fsync`), { errno, code, syscall: 'fsync' });
    expect(messageOf(raw)).toEqual({ code: 'FILE_FAILED', message: `the system says "${says}" (fsync)` });
    expect(messageOf(Object.assign(raw, { path: '/pool/a' })).message).toBe(
      `/pool/a: the system says "${says}" (fsync)`,
    );
  });

  it('is not what a socket says: that job may be tried again', async () => {
    for (const to of [{ port: 1, host: '127.0.0.1' }, { path: '/none/redis.sock' }]) {
      const [error] = await once(connect(to), 'error').catch((thrown: unknown) => [thrown]);
      expect(error).toMatchObject({ syscall: 'connect' });
      expect(toJobError(error)).toBe(error);
    }
    const reset = Object.assign(new Error('read ECONNRESET'), {
      errno: -constants.errno.ECONNRESET,
      code: 'ECONNRESET',
      syscall: 'read',
    });
    expect(toJobError(reset)).toBe(reset);
  });
});

describe('the error that the submitter gets to see', () => {
  it('is a refusal when the gate rejected the request', () => {
    expect(
      toRequestError('NEVER_FITS: too large', { phase: 'rejected', reason: 'r', code: 'C' }),
    ).toMatchObject({
      kind: 'refused',
      code: 'NEVER_FITS',
      message: 'too large',
    });
  });

  it('is bad usage when the payload was wrong, and a failed check else', () => {
    expect(toRequestError('PAYLOAD_INVALID: count', null)).toMatchObject({ kind: 'usage' });
    expect(toRequestError('NO_SPACE: full', null)).toMatchObject({ kind: 'check', code: 'NO_SPACE' });
    expect(toRequestError('FILE_FAILED: /a: the system says "i/o error" (read)', null)).toMatchObject({
      kind: 'check',
      code: 'FILE_FAILED',
    });
    expect(toRequestError('boom', null)).toMatchObject({ kind: 'check', code: 'INTERNAL' });
  });
});
