import { collectPatternsSchema, UsageError } from '@spica/core';

/** What to collect, as patterns. Throws UsageError FLAG_INVALID that names the pattern. */
export function parsePatterns(flag: string, patterns: readonly string[]): string[] {
  const parsed = collectPatternsSchema.safeParse(patterns);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path[0];
  const got = typeof at === 'number' ? `, got "${patterns[at]}"` : '';
  throw new UsageError('FLAG_INVALID', `${flag}: ${issue?.message}${got}`);
}
