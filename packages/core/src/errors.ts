/** What a failure means to whoever ran the command; the CLI's exit code follows from it. */
export type FailureKind = 'check' | 'usage' | 'refused' | 'unreachable' | 'timeout';

/** Exit codes of the CLI, by kind of failure (docs/runners.md, "Exit codes"). */
export const EXIT_CODES: Readonly<Record<FailureKind, number>> = {
  check: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  timeout: 5,
};

export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The root of every error that Spica throws on purpose. `code` is stable (tests, scripts and alerts may rely on it);
 * the message is for people and names the thing, its value and what was expected. Never put a secret in either.
 */
export class SpicaError extends Error {
  readonly code: string;
  readonly kind: FailureKind;
  readonly details: ErrorDetails;

  constructor(kind: FailureKind, code: string, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

/** Something was looked at and is not as it must be, or a piece of work failed. Exit 1. */
export class CheckError extends SpicaError {
  constructor(code: string, message: string, details?: ErrorDetails, cause?: unknown) {
    super('check', code, message, details, cause);
  }
}

/** Bad usage, config or payload. The message names the field, the value and what was expected. Exit 2. */
export class UsageError extends SpicaError {
  constructor(code: string, message: string, details?: ErrorDetails, cause?: unknown) {
    super('usage', code, message, details, cause);
  }
}

/** The gate said no. Not a failure of the host: it never counts as one. Exit 3. */
export class RefusedError extends SpicaError {
  constructor(code: string, message: string, details?: ErrorDetails, cause?: unknown) {
    super('refused', code, message, details, cause);
  }
}

/** Redis or the worker that serves the pool is out of reach. Exit 4. */
export class UnreachableError extends SpicaError {
  constructor(code: string, message: string, details?: ErrorDetails, cause?: unknown) {
    super('unreachable', code, message, details, cause);
  }
}

/** The work may still go on; the caller stopped waiting. Exit 5. */
export class TimedOutError extends SpicaError {
  constructor(code: string, message: string, details?: ErrorDetails, cause?: unknown) {
    super('timeout', code, message, details, cause);
  }
}
