import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckError, nullIfMissing } from '@spica/core';

/** Where a score is read from: `LAST-JSON-LINE` of what the command printed, or a file in the instance. */
export type ScoreSource =
  | { readonly from: 'last-json-line' }
  | { readonly from: 'file'; readonly path: string };

export function parseScoreSource(text: string): ScoreSource {
  return text.toUpperCase() === 'LAST-JSON-LINE' ? { from: 'last-json-line' } : { from: 'file', path: text };
}

/**
 * The score of an instance: a JSON number, or an object with a number `score`. Throws CheckError SCORE_MISSING that says
 * where it was looked for, and what was there.
 *
 * @param lastJson The last line of the command's output that is JSON; null for none.
 */
export async function readScore(source: ScoreSource, path: string, lastJson: string | null): Promise<number> {
  const where = source.from === 'file' ? source.path : 'the last line of its output that is JSON';
  const text =
    source.from === 'file' ? await nullIfMissing(readFile(join(path, source.path), 'utf8')) : lastJson;
  if (text === null) throw missing(where, 'there is none');
  const value = scoreOf(parse(text));
  if (value === null) throw missing(where, `got ${text.trim().slice(0, 80)}`);
  return value;
}

/** Whether a line can hold a score. */
export function isJson(line: string): boolean {
  return parse(line) !== undefined;
}

function scoreOf(value: unknown): number | null {
  const score = typeof value === 'object' && value !== null && 'score' in value ? value.score : value;
  return typeof score === 'number' && Number.isFinite(score) ? score : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function missing(where: string, got: string): CheckError {
  return new CheckError(
    'SCORE_MISSING',
    `score: expected a number, or {"score": number}, in ${where}; ${got}`,
  );
}
