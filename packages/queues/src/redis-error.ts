import { UnreachableError } from '@spica/core';

/** What an error means that Redis answered a command with. */
interface RedisRefusal {
  /** Stable: `REDIS_` and Redis's own word for it where it has one. */
  readonly code: string;
  /** Follows "Redis at …" in a sentence. */
  readonly means: string;
  /** What to do about it. */
  readonly advice: string;
  /** True: it is the state that the server is in, so the same command may work later. False: it is the command. */
  readonly passes: boolean;
}

const passing = (code: string, means: string, advice: string): RedisRefusal => ({
  code: `REDIS_${code}`,
  means,
  advice,
  passes: true,
});
const lasting = (code: string, means: string, advice: string): RedisRefusal => ({
  ...passing(code, means, advice),
  passes: false,
});

const NO_CLUSTER = 'Spica needs a Redis that is not a cluster: set REDIS_URL to one';
const PERMIT =
  'give the user of REDIS_URL all commands on all keys and channels: `ACL SETUSER <user> +@all ~* &*`';

/** By the word that the answer begins with. */
const BY_WORD: Readonly<Record<string, RedisRefusal>> = {
  OOM: passing(
    'OOM',
    'has no memory left for writes (OOM)',
    'raise its maxmemory, or remove what others keep there',
  ),
  MISCONF: passing(
    'MISCONF',
    'takes no writes, since it cannot save what it has (MISCONF)',
    'make room on its disk, then see its log',
  ),
  READONLY: passing(
    'READONLY',
    'is a replica that takes no writes (READONLY)',
    'set REDIS_URL to its master; after a failover, to the new one',
  ),
  LOADING: passing('LOADING', 'is still loading what it has saved (LOADING)', 'try again in a moment'),
  BUSY: passing(
    'BUSY',
    'is busy with a script (BUSY)',
    'try again; if it stays so, `redis-cli SCRIPT KILL` ends the script',
  ),
  MASTERDOWN: passing(
    'MASTERDOWN',
    'is a replica that has lost its master (MASTERDOWN)',
    'set REDIS_URL to the master, or start it',
  ),
  NOREPLICAS: passing(
    'NOREPLICAS',
    'takes no writes until more replicas follow it (NOREPLICAS)',
    'start its replicas, or lower min-replicas-to-write',
  ),
  CLUSTERDOWN: passing('CLUSTERDOWN', 'belongs to a cluster that does not work (CLUSTERDOWN)', NO_CLUSTER),
  TRYAGAIN: passing('TRYAGAIN', 'belongs to a cluster that moves its keys (TRYAGAIN)', NO_CLUSTER),
  MOVED: passing('MOVED', 'is one node of a cluster and has not all keys (MOVED)', NO_CLUSTER),
  ASK: passing('ASK', 'is one node of a cluster and has not all keys (ASK)', NO_CLUSTER),
  CROSSSLOT: lasting('CROSSSLOT', 'is a cluster that keeps these keys apart (CROSSSLOT)', NO_CLUSTER),
  NOAUTH: passing(
    'NOAUTH',
    'asks for a password (NOAUTH)',
    'put it into REDIS_URL: redis://user:password@host:port',
  ),
  WRONGPASS: passing(
    'WRONGPASS',
    'does not accept the user or the password (WRONGPASS)',
    'correct them in REDIS_URL: redis://user:password@host:port; `%40` stands for `@` in a password',
  ),
  DENIED: passing(
    'DENIED',
    'takes no connections from other hosts (DENIED: protected mode)',
    'set a password there, and put it into REDIS_URL',
  ),
  NOPERM: lasting('NOPERM', 'does not let this user do what Spica needs (NOPERM)', PERMIT),
  EXECABORT: passing('EXECABORT', 'discarded a transaction (EXECABORT)', 'try again'),
};

/** By what answers without a word of their own say. Those of scripts come first: they quote others. */
const BY_TEXT: readonly (readonly [RegExp, RedisRefusal])[] = [
  [/^ERR The user executing the script can't/, lasting('NOPERM', BY_WORD['NOPERM']?.means ?? '', PERMIT)],
  [
    /^ERR (unknown (sub)?command|Unknown Redis command|Unknown subcommand)/i,
    lasting(
      'UNKNOWN_COMMAND',
      'does not know a command that Spica needs: it is too old, or the command was renamed',
      'use Redis 6.2 or later with its commands under their own names',
    ),
  ],
  [
    /^ERR max number of clients reached/,
    passing('MAXCLIENTS', 'takes no more connections', 'raise its maxclients, or end other clients'),
  ],
  [
    /^ERR (DB index is out of range|invalid DB index|SELECT is not allowed)/,
    lasting(
      'DATABASE',
      'has no database of the number that REDIS_URL names',
      'correct the number at the end of REDIS_URL: redis://host:port/0',
    ),
  ],
  [
    /^ERR (invalid password|operation not permitted)/,
    passing('WRONGPASS', BY_WORD['WRONGPASS']?.means ?? '', BY_WORD['WRONGPASS']?.advice ?? ''),
  ],
];

/**
 * What an error means that Redis answered with; null for every other error, such as a connection that was lost. An
 * answer of a kind that is not known here has the code REDIS_ERROR and quotes Redis.
 */
export function redisRefusalOf(error: unknown): RedisRefusal | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null;
  const text = causeOf(error).message.replace(/^ERR Error running script.*?-(?=[A-Z]{3})/, '');
  const word = /^([A-Z]+)\b/.exec(text)?.[1] ?? '';
  const known = BY_WORD[word] ?? BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
  return (
    known ?? lasting('ERROR', `refused a command: ${text.slice(0, 200)}`, 'see its log, and `spica doctor`')
  );
}

/**
 * An error that Redis answered with as one that says what it means and what to do; null for every other error. `where`:
 * the server as people may see it (`describeTarget`); null where it is not known. `details.reply`: Redis's words.
 */
export function toRedisError(error: unknown, where: string | null): UnreachableError | null {
  const refusal = redisRefusalOf(error);
  if (refusal === null || !(error instanceof Error)) return null;
  const server = where === null ? 'Redis' : `Redis at ${where}`;
  const reply = withoutArguments(causeOf(error).message);
  return new UnreachableError(
    refusal.code,
    `${server} ${refusal.means}: ${refusal.advice}`,
    { reply },
    error,
  );
}

/** A transaction that was discarded names the error of the command that was refused beside its own. */
function causeOf(error: Error & { readonly previousErrors?: readonly Error[] }): Error {
  return error.previousErrors?.[0] ?? error;
}

/** Redis repeats the arguments of a command that it does not know, and they can be anything. */
function withoutArguments(reply: string): string {
  return reply.replace(/,? with args beginning with[\s\S]*/, '');
}
