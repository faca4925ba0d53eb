import { CheckError } from '@spica/core';
import type { Output } from '../io.ts';
import { reportFailure, reportingOf } from './failure.ts';

/** Says that standard output could not be written, and returns the exit code. */
export function reportUnwritten(error: Error, stderr: Output, argv: readonly string[]): number {
  const failure = new CheckError('OUTPUT_UNWRITABLE', `standard output: ${error.message}`, {}, error);
  return reportFailure(failure, stderr, reportingOf(argv));
}
