import * as z from 'zod';
import { createMatcher } from './matcher.ts';

const MOST_PATTERNS = 100;
const MOST_LENGTH = 500;
/** `..` as a part of a path, also among alternatives. */
const UPWARDS = /(^|[/{,(|!])\.\.($|[/},)|])/;

function patternProblem(pattern: string): string | null {
  const plain = pattern.replaceAll('\\', '');
  if (plain.startsWith('/') || plain.startsWith('!/')) return 'expected a pattern relative to the instance';
  if (UPWARDS.test(plain)) return 'expected a pattern without ".."';
  if (plain.includes('\0')) return 'expected a pattern without NUL';
  return matcherProblem([pattern]);
}

function matcherProblem(patterns: readonly string[]): string | null {
  try {
    createMatcher(patterns);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** One pattern of what to collect, relative to the instance: `results/**`, `*.json`, `!results/tmp/**`. */
const collectPatternSchema = z
  .string('expected a pattern')
  .min(1, 'expected a pattern that is not empty')
  .max(MOST_LENGTH, `expected at most ${MOST_LENGTH} characters`)
  .refine((pattern) => patternProblem(pattern) === null, {
    error: ({ input }) => patternProblem(String(input)) ?? '',
  });

/** What to collect of an instance; none collect nothing. */
export const collectPatternsSchema = z
  .array(collectPatternSchema, 'expected a list of patterns')
  .max(MOST_PATTERNS, `expected at most ${MOST_PATTERNS} patterns`)
  .refine(
    (patterns) =>
      patterns.some((pattern) => patternProblem(pattern) !== null) || matcherProblem(patterns) === null,
    'expected simpler patterns',
  );
