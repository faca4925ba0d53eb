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

describe('the error that the submitter gets to see', () => {
  it('is a refusal when the gate rejected the request', () => {
    expect(toRequestError('NEVER_FITS: too large', true)).toMatchObject({
      kind: 'refused',
      code: 'NEVER_FITS',
      message: 'too large',
    });
  });

  it('is bad usage when the payload was wrong, and a failed check else', () => {
    expect(toRequestError('PAYLOAD_INVALID: count', false)).toMatchObject({ kind: 'usage' });
    expect(toRequestError('NO_SPACE: full', false)).toMatchObject({ kind: 'check', code: 'NO_SPACE' });
    expect(toRequestError('boom', false)).toMatchObject({ kind: 'check', code: 'INTERNAL' });
  });
});
