import { releaseInstance } from '@spica/client/redis';
import { UsageError } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { eachInstance, parseInstanceIds } from '../input/each.ts';
import { parseToken } from '../input/token.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { warnIfUnmirrored } from '../wait/mirror.ts';

export interface ReleaseOptions {
  readonly token?: string;
  readonly force?: boolean;
  readonly discard?: boolean;
}

/**
 * `spica release ID…`: ends a lease, for whoever has its token. One that has ended by itself is no error. `--discard` says
 * that nobody needs the instance any more, which needs no token where nobody leases it.
 */
export async function release(invocation: Invocation<ReleaseOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const ids = parseInstanceIds(args);
  const token = parseToken(options.token, io.env);
  const force = options.force === true;
  const discard = options.discard === true;
  if (token === null && !force && !discard) {
    const expected = "expected the lease's token (or SPICA_LEASE_TOKEN, or --force)";
    throw new UsageError('FLAG_MISSING', `--token: ${expected}, none was given`, { flag: '--token' });
  }
  return withCatalog(invocation, async (pool) => {
    const by = parseWho('--owner', undefined);
    const json = options.json === true;
    let hasChanged = false;
    const exitCode = await eachInstance(io, { ids, json, pool: pool.name }, async (id) => {
      const outcome = await releaseInstance(pool, id, { token, force, discard, by });
      if (!json && outcome === 'none') io.stderr.write(`instance ${id} has no lease in force\n`);
      else if (!json && io.stdout.isTTY) io.stdout.write(`${id} is ${discard ? 'discarded' : 'released'}\n`);
      hasChanged ||= outcome !== 'none';
      return { outcome, discarded: discard };
    });
    if (hasChanged) await warnIfUnmirrored(io, pool);
    return exitCode;
  });
}
