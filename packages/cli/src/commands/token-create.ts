import { createTokens, TOKEN_ROLES, type TokenRole } from '@spica/catalog';
import { systemClock, UsageError } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { withRedis } from '../context/redis.ts';
import { parseSpan } from '../input/numbers.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeFields, writeJson } from '../output/write.ts';
import { noteToken } from '../stack/token-note.ts';

export interface TokenCreateOptions {
  readonly role: string;
  readonly name?: string;
  readonly expires?: string;
}

/** `spica token create --role ROLE`: makes a token for the HTTP API and prints it, this once. */
export async function tokenCreate({ io, options }: Invocation<TokenCreateOptions>): Promise<number> {
  const role = parseRole(options.role);
  const ms = parseSpan('--expires', options.expires);
  const { config } = await loadConfig(io, options);
  return withRedis(config, async (redis) => {
    const tokens = createTokens(redis);
    const now = systemClock.now();
    const name = options.name ?? freeName(role, await tokens.list());
    const by = parseWho('--by', undefined);
    const expiresAt = ms === null ? null : now + ms;
    const token = await tokens.create({ name, role, createdAt: now, createdBy: by, expiresAt });
    await noteToken(redis, config, {
      name,
      reason: `a token of the role ${role}, made by ${by}`,
      made: true,
    });
    const shown = { name, role, expiresAt: toIso(expiresAt), token };
    if (options.json) writeJson(io.stdout, shown);
    else if (io.stdout.isTTY)
      writeFields(io.stdout, [
        ['name', name],
        ['role', role],
        ['expires', shown.expiresAt ?? 'never'],
        ['token', `${token}`],
        ['', 'It is not shown again.'],
      ]);
    else io.stdout.write(`${token}\n`);
    return 0;
  });
}

function parseRole(text: string): TokenRole {
  const role = TOKEN_ROLES.find((each) => each === text);
  if (role) return role;
  const expected = `expected one of: ${TOKEN_ROLES.join(', ')}`;
  throw new UsageError('FLAG_INVALID', `--role: ${expected}, got "${text.slice(0, 80)}"`, { flag: '--role' });
}

/** `runner`, else `runner-2` and so on. */
function freeName(role: TokenRole, taken: readonly { readonly name: string }[]): string {
  const names = new Set(taken.map(({ name }) => name));
  let name: string = role;
  for (let number = 2; names.has(name); number += 1) name = `${role}-${number}`;
  return name;
}
