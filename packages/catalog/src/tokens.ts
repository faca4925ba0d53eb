import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CheckError, UsageError } from '@spica/core';
import { type Redis, ReplyError } from 'ioredis';
import * as z from 'zod';
import { readJson } from './stored.ts';

/** What whoever has a token may do; each role may also do what those before it may. */
export const TOKEN_ROLES = ['viewer', 'runner', 'operator'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

const storedSchema = z.strictObject({
  role: z.enum(TOKEN_ROLES),
  /** SHA-256 of the token. It is 256 random bits, so a slow hash would protect nothing. */
  hash: z.string().length(64),
  createdAt: z.number(),
  createdBy: z.string(),
  expiresAt: z.number().nullable(),
});

/** A token as it may be shown. Times are epoch milliseconds. */
export interface Token {
  readonly name: string;
  readonly role: TokenRole;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Null for one that does not expire. */
  readonly expiresAt: number | null;
  /** Null for one that was never used. */
  readonly lastUsedAt: number | null;
}

export type NewToken = Pick<Token, 'name' | 'role' | 'createdAt' | 'createdBy' | 'expiresAt'>;

/** Whose token it is, or why it lets nobody in. */
export type TokenCheck =
  | { readonly outcome: 'valid'; readonly name: string; readonly role: TokenRole }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'expired'; readonly name: string; readonly expiresAt: number };

/** Who may use the HTTP API. Tokens hold for all pools of a Redis. */
export interface Tokens {
  /**
   * Makes a token, and tells it this once. Throws UsageError TOKEN_NAME_INVALID; CheckError TOKEN_NAME_TAKEN, since what a
   * runner submits is its own by the token's name.
   */
  create(token: NewToken): Promise<string>;
  /** By name. */
  list(): Promise<Token[]>;
  /** False where there is none of that name. It lets nobody in from then on. */
  revoke(name: string): Promise<boolean>;
  /** Whose token it is at `now`; its use is noted, to the second. */
  check(token: string, now: number): Promise<TokenCheck>;
  /** Whether any lets somebody in at `now`. */
  any(now: number): Promise<boolean>;
}

/** Hashes by name: what is known of each token, and when it was last used. Pools with different prefixes share them. */
const KEYS = { tokens: 'spica:tokens', used: 'spica:tokens:used' };

/** With no `@`, so that no token's name is that of a user of this host (`user@host`). */
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;
const TOKEN = /^spica_([a-z0-9][a-z0-9.-]{0,63})_([0-9a-f]{64})$/;
const USE_MS = 1_000;

/** What is stored of the token of a name; null where there is none. */
export async function readToken(redis: Redis, name: string): Promise<z.infer<typeof storedSchema> | null> {
  const text = await redis.hget(KEYS.tokens, name);
  return text === null ? null : readJson(storedSchema, KEYS.tokens, text);
}

/** Opens the tokens of a Redis on a connection, which stays the caller's. */
export function createTokens(redis: Redis): Tokens {
  const noted = new Map<string, number>();
  const list = async (): Promise<Token[]> => {
    const [stored, used] = await Promise.all([redis.hgetall(KEYS.tokens), redis.hgetall(KEYS.used)]);
    const tokens = Object.entries(stored).map(([name, text]) => {
      const { hash: _, ...token } = readJson(storedSchema, KEYS.tokens, text);
      return { name, ...token, lastUsedAt: Object.hasOwn(used, name) ? Number(used[name]) : null };
    });
    return tokens.sort((a, b) => (a.name < b.name ? -1 : 1));
  };
  return {
    list,
    async create({ name, ...token }) {
      requireName(name);
      const secret = `spica_${name}_${randomBytes(32).toString('hex')}`;
      const stored: z.infer<typeof storedSchema> = { ...token, hash: hashOfToken(secret).toString('hex') };
      if ((await redis.hsetnx(KEYS.tokens, name, JSON.stringify(stored))) === 1) {
        await redis.hdel(KEYS.used, name); // of one that was revoked while it was used
        return secret;
      }
      throw new CheckError(
        'TOKEN_NAME_TAKEN',
        `--name: there is a token "${name}": revoke it, or choose another`,
      );
    },
    async revoke(name) {
      const revoked = (await redis.hdel(KEYS.tokens, name)) === 1;
      await redis.hdel(KEYS.used, name);
      noted.delete(name);
      return revoked;
    },
    async check(token, now) {
      const name = TOKEN.exec(token)?.[1];
      const stored = name === undefined ? null : await readToken(redis, name);
      if (name === undefined || stored === null) return { outcome: 'unknown' };
      const { role, hash, expiresAt } = stored;
      if (!timingSafeEqual(hashOfToken(token), Buffer.from(hash, 'hex'))) return { outcome: 'unknown' };
      if (expiresAt !== null && expiresAt <= now) return { outcome: 'expired', name, expiresAt };
      if (now - (noted.get(name) ?? 0) >= USE_MS) {
        noted.set(name, now);
        // A Redis that takes no writes, as on a full disk, still lets whoever has a token look.
        await redis.hset(KEYS.used, name, now).catch(ignoreReply);
      }
      return { outcome: 'valid', name, role };
    },
    async any(now) {
      return (await list()).some(({ expiresAt }) => expiresAt === null || expiresAt > now);
    },
  };
}

/** Whether a connection is lost is for the caller to know; what Redis itself answers is not. */
function ignoreReply(error: unknown): void {
  if (!(error instanceof ReplyError)) throw error;
}

export function hashOfToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function requireName(name: string): void {
  if (NAME.test(name)) return;
  const expected = 'expected 1 to 64 lower-case letters, digits, dots and dashes, the first no dot or dash';
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  throw new UsageError('TOKEN_NAME_INVALID', `--name: ${expected}, got "${shown}"`, { field: 'name' });
}
