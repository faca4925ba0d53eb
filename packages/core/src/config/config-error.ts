import { UsageError } from '../errors.ts';

/** The one error of a config that cannot be used: every problem, one line each. */
export function configError(problems: readonly string[]): UsageError {
  const lines = [...new Set(problems)];
  return new UsageError('CONFIG_INVALID', lines.join('\n'), { problems: lines });
}
