import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/**
 * The atomic operations: one Lua file each (ops/). They take one key, the prefix of the catalog's, and name the rest;
 * `drop_share` takes a filesystem's.
 */
const OPERATIONS = [
  'commit',
  'complete_request',
  'cancel_request',
  'adopt',
  'begin_delete',
  'end_delete',
  'lease',
  'release_lease',
  'mark',
  'record_sample',
  'record_size',
  'drop_share',
] as const;

type Operation = (typeof OPERATIONS)[number];
export type Argument = string | number;
/** Runs an operation on one pool's catalog. */
export type Run = (name: Operation, args: readonly Argument[]) => Promise<unknown>;

/** Teaches a connection the operations. Safe to call again. */
export function defineOperations(redis: Redis, prefix: string): Run {
  for (const name of OPERATIONS) {
    if (commandName(name) in redis) continue;
    const lua = readFileSync(new URL(`./ops/${name}.lua`, import.meta.url), 'utf8');
    redis.defineCommand(commandName(name), { lua, numberOfKeys: 1 });
  }
  const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return (name, args) => {
    const command = commands[commandName(name)];
    if (!command) throw new TypeError(`no operation ${name}`);
    return command.call(redis, prefix, ...args);
  };
}

function commandName(name: string): string {
  return `spica_${name}`;
}
