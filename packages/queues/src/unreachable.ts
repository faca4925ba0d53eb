import { UnreachableError } from '@spica/core';
import { toRedisError } from './redis-error.ts';

/**
 * What an error says of Redis at `where`: that it went away (then `hint` ends the message), or why it refused; null where
 * the error says nothing of Redis.
 */
export function toUnreachable(error: unknown, where: string, hint = ''): UnreachableError | null {
  if (!isConnectionLost(error)) return toRedisError(error, where);
  const message = `Redis at ${where} went away (${(error as Error).message})${hint}`;
  return new UnreachableError('REDIS_UNREACHABLE', message, {}, error);
}

const LOST =
  /^Connection is closed|^Command timed out|^Stream isn't writeable|^Reached the max retries per request/;
const LOST_CODES = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH'];

/** ioredis has no one class for it: what is told apart here is a lost connection from an answer we did not like. */
function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return LOST.test(error.message) || LOST_CODES.includes(code ?? '') || syscall === 'connect';
}
