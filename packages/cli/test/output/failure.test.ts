import { CheckError, RefusedError, TimedOutError, UnreachableError, UsageError } from '@spica/core';
import { describe, expect, it } from 'vitest';
import { reportFailure } from '../../src/output/failure.ts';
import { Interrupted } from '../../src/wait/interrupted.ts';
import { capture } from '../capture.ts';

function report(error: unknown, { json = false, verbose = false } = {}) {
  const io = capture();
  const exitCode = reportFailure(error, io.stderr, { json, verbose });
  return { exitCode, stderr: io.err() };
}

describe('a failure', () => {
  it.each([
    [new CheckError('A', 'broken'), 1],
    [new UsageError('B', 'broken'), 2],
    [new RefusedError('C', 'broken'), 3],
    [new UnreachableError('D', 'broken'), 4],
    [new TimedOutError('E', 'broken'), 5],
  ])('of kind %s is one line, and its exit code says which kind', (error, exitCode) => {
    expect(report(error)).toEqual({ exitCode, stderr: 'error: broken\n' });
  });

  it('that Redis answered with is no bug, wherever it came up', () => {
    const error = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
    expect(report(error)).toEqual({
      exitCode: 4,
      stderr: expect.stringMatching(
        /^error: Redis has no memory left for writes \(OOM\): raise its maxmemory.*\n$/,
      ),
    });
  });

  it('that nobody foresaw is one line with a hint how to see more', () => {
    expect(report(new TypeError('x is not a function'))).toEqual({
      exitCode: 1,
      stderr: 'error: TypeError: x is not a function\nthis is a bug in Spica; --verbose shows where\n',
    });
  });

  it('shows its stack and its causes with --verbose', () => {
    const { stderr } = report(new CheckError('A', 'outer', {}, new Error('inner')), { verbose: true });
    expect(stderr).toMatch(/CheckError: outer\n +at [\s\S]*caused by Error: inner\n +at /);
  });

  it('by Ctrl-C ends with 130 and is no error', () => {
    expect(report(new Interrupted('request req-1 goes on'))).toEqual({
      exitCode: 130,
      stderr: 'request req-1 goes on\n',
    });
  });

  it('is one object with --json', () => {
    const { stderr } = report(new RefusedError('NEVER_FITS', 'too large', { need: 5 }), { json: true });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'NEVER_FITS', kind: 'refused', message: 'too large', details: { need: 5 } },
    });
  });

  it('quotes no control sequence to the terminal', () => {
    expect(report(new UsageError('A', 'got "\u001b[2J"\nand more')).stderr).toBe(
      'error: got " [2J"\nand more\n',
    );
  });
});
