import { createTokens, type Token } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { formatAge, toIso } from '../output/age.ts';
import { type Column, writeJson, writeRows } from '../output/write.ts';

/** `spica token list`: who may use the HTTP API, until when, and when each last did. */
export async function tokenList({ io, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  return withRedis(config, async (redis) => {
    const tokens = await createTokens(redis).list();
    if (options.json) writeJson(io.stdout, { tokens: tokens.map(toView) });
    else writeRows(io.stdout, COLUMNS, tokens);
    return 0;
  });
}

function toView({ createdAt, expiresAt, lastUsedAt, ...token }: Token) {
  return {
    ...token,
    createdAt: toIso(createdAt),
    expiresAt: toIso(expiresAt),
    lastUsedAt: toIso(lastUsedAt),
  };
}

const COLUMNS: readonly Column<Token>[] = [
  { title: 'name', text: ({ name }) => name },
  { title: 'role', text: ({ role }) => role },
  { title: 'made', text: ({ createdAt }) => ago(createdAt), raw: ({ createdAt }) => toIso(createdAt) },
  { title: 'by', text: ({ createdBy }) => createdBy },
  {
    title: 'last used',
    text: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : ago(lastUsedAt)),
    raw: ({ lastUsedAt }) => toIso(lastUsedAt),
  },
  { title: 'expires', text: sayExpiry, raw: ({ expiresAt }) => toIso(expiresAt) },
];

function ago(at: number): string {
  return `${formatAge(systemClock.now() - at)} ago`;
}

function sayExpiry({ expiresAt }: Token): string {
  if (expiresAt === null) return 'never';
  const left = expiresAt - systemClock.now();
  return left > 0 ? `in ${formatAge(left)}` : 'has expired';
}
