import { UnreachableError } from '@spica/core';
import { toRedisError } from './redis-error.ts';

/**
 * What an error says of Redis at `where`: that it went away (then `hint` ends the message), or why it refused; null where
 * the error says nothing of Redis.
 */
export function toUnreachable(error: unknown, where: string, hint = ''): UnreachableError | null {
  if (!isConnectionLost(error)) return toRedisError(error, where);
  const message = `Redis at ${where} went away${reasonOf(error)}${hint}`;
  return new UnreachableError('REDIS_UNREACHABLE', message, {}, error);
}

/** Why a connection was lost, in parentheses; empty where its error says no more than that it was. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return LOST.test(message) ? '' : ` (${message})`;
}

/** How ioredis says that there is no connection, and no more than that. */
const LOST =
  /^Connection is closed|^Stream isn't writeable|^Reached the max retries per request|^Command aborted due to connection close/;
const TIMED_OUT = /^Command timed out/;
const LOST_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'];

/** ioredis has no one class for it: what is told apart here is a lost connection from an answer we did not like. */
function isConnectionLost(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const isSaid = LOST.test(error.message) || TIMED_OUT.test(error.message);
  return isSaid || LOST_CODES.includes(code ?? '') || syscall === 'connect';
}
