import { UsageError } from '@spica/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Deeper than anything that a schema takes; what is nested deeper would break those who walk it. */
const MOST_DEPTH = 32;
/** It would reach an object's prototype, were the body merged into another. */
const REFUSED = '__proto__';

/** Has the routes of a scope take JSON, of at most so many bytes, and nothing else. */
export function takeJson(scope: FastifyInstance, bodyLimit: number): void {
  scope.removeAllContentTypeParsers();
  const parse = async (_request: FastifyRequest, bytes: Buffer) => parseBody(bytes);
  scope.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit }, parse);
}

/** Reads a JSON body. Throws UsageError BODY_INVALID: no JSON, no UTF-8, too deep, or with a name that no body may have. */
function parseBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  const value = readJson(decode(bytes));
  check(value);
  return value;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid('expected UTF-8, got bytes that are none', error);
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid('expected JSON, got something else', error);
  }
}

function check(value: unknown): void {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MOST_DEPTH) throw invalid(`expected at most ${MOST_DEPTH} levels of objects and lists`);
    level = level.flatMap(inner);
  }
}

function inner(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Object.hasOwn(value, REFUSED)) throw invalid(`"${REFUSED}" is no name that it may have`);
  return Object.values(value).filter((each) => typeof each === 'object' && each !== null);
}

function invalid(why: string, cause?: unknown): UsageError {
  return new UsageError('BODY_INVALID', `body: ${why}`, { field: 'body' }, cause);
}
