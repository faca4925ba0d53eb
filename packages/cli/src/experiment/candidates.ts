import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type Param, paramSchema, reasonOf, UsageError } from '@spica/core';
import { parse as parseCsv } from 'csv-parse/sync';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { parseParam } from '../input/pairs.ts';

/** Parameters by name: those of one candidate. */
export type Params = Readonly<Record<string, Param>>;

const param = z.custom<Param>(
  (value) => paramSchema.safeParse(value).success,
  'expected a text, a number, true or false',
);
const candidatesSchema = z
  .array(z.record(z.string(), param, 'expected an object of parameters'), 'expected a list of objects')
  .min(1, 'expected at least one candidate');

/**
 * The candidates of a file, each an object of parameters: a JSON or YAML list, a JSON line each (`.jsonl`), or CSV with
 * names in its first line. Throws UsageError CANDIDATES_INVALID that names the file, the candidate and what was expected.
 */
export async function readCandidates(path: string): Promise<readonly Params[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw invalid(path, `it cannot be read: ${reasonOf(cause)}`);
  });
  return checkCandidates(parseFile(path, text), (why) => invalid(path, why));
}

/** The candidates that a command printed, a JSON object a line. Throws what `fail` makes of what is wrong. */
export function readCandidateLines(text: string, fail: (why: string) => Error): readonly Params[] {
  const parsed = linesOf(text).map((line, at) => {
    try {
      return JSON.parse(line) as unknown;
    } catch {
      throw fail(
        `line ${at + 1} of its output: expected a JSON object of parameters, got ${line.slice(0, 80)}`,
      );
    }
  });
  return checkCandidates(parsed, fail);
}

/** Throws what `fail` makes of what is wrong with the first candidate that is none. */
export function checkCandidates(value: unknown, fail: (why: string) => Error): readonly Params[] {
  const result = candidatesSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.length ? `candidate ${issue.path.map(String).join('.')}: ` : '';
  throw fail(`${where}${issue?.message}, got ${JSON.stringify(issue?.input)?.slice(0, 80)}`);
}

function parseFile(path: string, text: string): unknown {
  try {
    switch (extname(path).toLowerCase()) {
      case '.csv':
        return readCsv(text);
      case '.jsonl':
      case '.ndjson':
        return linesOf(text).map((line) => JSON.parse(line));
      default:
        return parseYaml(text); // JSON is YAML
    }
  } catch (error) {
    throw invalid(path, error instanceof Error ? error.message : String(error));
  }
}

/** Fields are what they would be as `--set` values. */
function readCsv(text: string): Params[] {
  const rows: Record<string, string>[] = parseCsv(text, {
    columns: true,
    skip_empty_lines: true,
    trim: true,
    bom: true,
  });
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, parseParam(value)])),
  );
}

function linesOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function invalid(path: string, why: string): UsageError {
  return new UsageError('CANDIDATES_INVALID', `--candidates: ${path}: ${why}`);
}
