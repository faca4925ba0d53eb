/** What a check came to: `warn` for what works, but not as well as it could. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was found. */
  readonly found: string;
  /** What to do about it; null where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found, advice: null };
}

export function warn(check: string, found: string, advice: string): Finding {
  return { check, level: 'warn', found, advice };
}

export function fail(check: string, found: string, advice: string): Finding {
  return { check, level: 'fail', found, advice };
}
