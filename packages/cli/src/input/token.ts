import { UsageError } from '@spica/core';

/**
 * The lease's token that was given: with the flag, else in SPICA_LEASE_TOKEN; null for none. It is never quoted.
 * Throws UsageError FLAG_INVALID.
 */
export function parseToken(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  const token = flag ?? (env['SPICA_LEASE_TOKEN'] || undefined);
  if (token === undefined) return null;
  const where = flag === undefined ? 'SPICA_LEASE_TOKEN' : '--token';
  if (token.length >= 1 && token.length <= 200) return token;
  throw new UsageError(
    'FLAG_INVALID',
    `${where}: expected a token of 1 to 200 characters, got ${token.length} of them`,
    { flag: '--token' },
  );
}
