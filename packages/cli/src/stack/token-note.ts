import { createCatalog } from '@spica/catalog';
import type { Config } from '@spica/core';
import { isoTime, systemClock } from '@spica/core';
import type { Redis } from 'ioredis';

/** Has the audit log of each pool of the config, for all of which a token holds, say that it was made or revoked. */
export async function noteToken(
  redis: Redis,
  { pools }: Pick<Config, 'pools'>,
  { name, reason, made }: { readonly name: string; readonly reason: string; readonly made: boolean },
): Promise<void> {
  const note = {
    action: made ? 'create_token' : 'revoke_token',
    token: name,
    reason,
    at: isoTime(systemClock.now()),
    outcome: made ? 'created' : 'revoked',
  };
  for (const pool of Object.keys(pools)) await createCatalog({ redis, pool }).leaveNote(note);
}
