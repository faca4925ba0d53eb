import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** The atomic operations: one Lua file each, and how many of its arguments are keys. */
const OPERATIONS = {
  reserve: 4,
  ledger: 3,
  commit: 8,
  give_back: 2,
  settle: 1,
  adopt: 6,
  begin_delete: 3,
  end_delete: 8,
  lease: 3,
  release: 4,
  mark: 3,
  record_sample: 4,
  record_size: 2,
} as const;

export type Operation = keyof typeof OPERATIONS;
export type Argument = string | number;
export type Run = (name: Operation, keys: string[], args: readonly Argument[]) => Promise<unknown>;

/** Runs the operations over a connection, which is taught each one when it is first called. */
export function defineOperations(redis: Redis): Run {
  const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return (name, keys, args) => {
    const command = commandName(name);
    if (!(command in redis)) {
      // Redis knows no shared libraries of scripts that a replica or a cluster would have too: so each carries its own.
      redis.defineCommand(command, {
        lua: `${read('lib/growth')}\n${read(name)}`,
        numberOfKeys: OPERATIONS[name],
      });
    }
    const call = commands[command];
    if (!call) throw new TypeError(`no operation ${name}`);
    return call.call(redis, ...keys, ...args);
  };
}

function read(name: string): string {
  return readFileSync(new URL(`./ops/${name}.lua`, import.meta.url), 'utf8');
}

function commandName(name: string): string {
  return `spica_${name}`;
}
