import { createTokens } from '@spica/catalog';
import { CheckError } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { withRedis } from '../context/redis.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { noteToken } from '../stack/token-note.ts';

/** `spica token revoke NAME`: it lets nobody in from now on. Throws CheckError TOKEN_UNKNOWN. */
export async function tokenRevoke({ io, args, options }: Invocation): Promise<number> {
  const [name = ''] = args;
  const { config } = await loadConfig(io, options);
  return withRedis(config, async (redis) => {
    if (!(await createTokens(redis).revoke(name))) {
      const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
      throw new CheckError(
        'TOKEN_UNKNOWN',
        `name: there is no token "${shown}": spica token list shows them`,
      );
    }
    await noteToken(redis, config, {
      name,
      reason: `revoked by ${parseWho('--by', undefined)}`,
      made: false,
    });
    if (options.json) writeJson(io.stdout, { name, revoked: true });
    else if (io.stdout.isTTY) io.stdout.write(`the token ${name} is revoked\n`);
    return 0;
  });
}
