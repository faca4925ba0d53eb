import { createHash, randomBytes } from 'node:crypto';
import { type Redis, ReplyError } from 'ioredis';
import * as z from 'zod';
import { readJson } from './stored.ts';
import { hashOfToken, readToken, type TokenRole } from './tokens.ts';

/** How long a session lasts after its last use, and at most, however often it is used. */
const SESSION_IDLE_MS = 8 * 3_600_000;
export const SESSION_LONGEST_MS = 7 * 86_400_000;
/** How long a link that logs in can be opened. */
export const LINK_MS = 60_000;
/** Its use is noted no more often than that. */
const NOTE_EVERY_MS = 60_000;

const storedSchema = z.strictObject({
  name: z.string(),
  /** SHA-256 of the token that it was begun with: without that very token it ends. Null for an operator of this machine. */
  tokenHash: z.string().length(64).nullable(),
  usedAt: z.number(),
  /** It ends then at the latest, epoch milliseconds. */
  endsAt: z.number(),
});
type Stored = z.infer<typeof storedSchema>;

/** Somebody who is logged in. Times are epoch milliseconds. */
export interface Session {
  /** Of a token, or `user@host`. */
  readonly name: string;
  readonly role: TokenRole;
  /** When it ends if it is not used any more. */
  readonly expiresAt: number;
}

/**
 * Who is logged in with a browser. A session is known by a secret that only its browser has: Redis has the SHA-256 of it. It
 * ends when it is not used for eight hours, after seven days, when its token is revoked or expires, and when its user logs out.
 */
export interface Sessions {
  /** Begins one for whoever has just shown this token, which was checked; tells its secret this once. */
  begin(who: { readonly name: string; readonly token: string }, now: number): Promise<string>;
  /** Whose session it is at `now`; null for one that has ended, or never was. `use`: whether that counts as its use. */
  check(secret: string, now: number, options?: { readonly use?: boolean }): Promise<Session | null>;
  /** Ends one; false where there is none. */
  end(secret: string): Promise<boolean>;
  /**
   * Makes a link's secret: whoever shows it first, within a minute, is logged in as an operator of this name. For whoever may
   * open the API's socket alone.
   */
  makeLink(name: string): Promise<string>;
  /** Begins the session of a link, which lets nobody in again; null for one that was opened, is too old, or never was. */
  openLink(secret: string, now: number): Promise<{ readonly name: string; readonly session: string } | null>;
}

const keys = {
  session: (secret: string) => `spica:session:${hash(secret)}`,
  link: (secret: string) => `spica:link:${hash(secret)}`,
};

/** Opens the sessions of a Redis on a connection, which stays the caller's. They hold for all pools. */
export function createSessions(redis: Redis): Sessions {
  const begin = async (name: string, tokenHash: string | null, now: number) => {
    const secret = randomBytes(32).toString('hex');
    const stored: Stored = { name, tokenHash, usedAt: now, endsAt: now + SESSION_LONGEST_MS };
    await redis.set(keys.session(secret), JSON.stringify(stored), 'PX', SESSION_IDLE_MS);
    return secret;
  };
  /** Only while it is there: who logs out at the same time stays logged out. */
  const noteUse = async (secret: string, stored: Stored, now: number) => {
    const used = JSON.stringify({ ...stored, usedAt: now });
    await redis.set(keys.session(secret), used, 'PX', SESSION_IDLE_MS, 'XX').catch(ignoreReply);
  };
  return {
    begin: ({ name, token }, now) => begin(name, hashOfToken(token).toString('hex'), now),
    async check(secret, now, { use = true } = {}) {
      const text = await redis.get(keys.session(secret));
      if (text === null) return null;
      const stored = readJson(storedSchema, 'spica:session', text);
      const token = stored.tokenHash === null ? null : await readToken(redis, stored.name);
      if (stored.tokenHash !== null && token?.hash !== stored.tokenHash) return null; // revoked, or another of that name
      const lastUse = use ? now : stored.usedAt;
      const ends = [stored.usedAt + SESSION_IDLE_MS, stored.endsAt, token?.expiresAt ?? stored.endsAt];
      if (Math.min(...ends) <= now) return null;
      if (use && now - stored.usedAt >= NOTE_EVERY_MS) await noteUse(secret, stored, now);
      const expiresAt = Math.min(lastUse + SESSION_IDLE_MS, ...ends.slice(1));
      return { name: stored.name, role: token?.role ?? 'operator', expiresAt };
    },
    end: async (secret) => (await redis.del(keys.session(secret))) === 1,
    async makeLink(name) {
      const secret = randomBytes(32).toString('hex');
      await redis.set(keys.link(secret), name, 'PX', LINK_MS);
      return secret;
    },
    async openLink(secret, now) {
      const name = await redis.getdel(keys.link(secret));
      return name === null ? null : { name, session: await begin(name, null, now) };
    },
  };
}

/** A Redis that takes no writes, as on a full disk, still lets whoever is logged in look. */
function ignoreReply(error: unknown): void {
  if (!(error instanceof ReplyError)) throw error;
}

function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
