import { hashLeaseToken, newLeaseToken } from '@spica/catalog';
import { UsageError } from '@spica/core';
import type { SpawnRequest } from '@spica/queues';
import { parseSpan } from '../input/numbers.ts';
import { parseToken } from '../input/token.ts';
import { parseWho } from '../input/who.ts';

export interface SpawnLeaseOptions {
  readonly lease?: string;
  readonly owner?: string;
  readonly token?: string;
  readonly key?: string;
}

/** A lease to spawn with: what the request carries, and the token, which stays here. */
export interface SpawnLease {
  readonly asked: NonNullable<SpawnRequest['lease']>;
  readonly token: string;
}

/**
 * The lease that instances are to have from the start; null for none. One token serves all instances of the request.
 * Throws UsageError FLAG_INVALID, FLAG_MISSING: a request that may be submitted again must bring the same token again.
 */
export function readSpawnLease(
  options: SpawnLeaseOptions,
  env: Readonly<Record<string, string | undefined>>,
): SpawnLease | null {
  const ms = parseSpan('--lease', options.lease);
  if (ms === null) {
    for (const flag of ['owner', 'token'] as const) {
      if (options[flag] === undefined) continue;
      throw new UsageError('FLAG_MISSING', `--lease: expected with --${flag}, none was given`, {
        flag: '--lease',
      });
    }
    return null;
  }
  const given = parseToken(options.token, env);
  if (given === null && options.key !== undefined) {
    const why = 'a request that is submitted again must bring the same';
    throw new UsageError(
      'FLAG_MISSING',
      `--token: expected with --key and --lease (or SPICA_LEASE_TOKEN), none was given: ${why}`,
      { flag: '--token' },
    );
  }
  const token = given ?? newLeaseToken();
  const owner = parseWho('--owner', options.owner);
  return { asked: { owner, tokenHash: hashLeaseToken(token), ms }, token };
}
