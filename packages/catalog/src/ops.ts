import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/**
 * The atomic operations: one Lua file each (ops/). They take one key, the prefix of the catalog's, and name the rest;
 * `drop_share` takes a filesystem's.
 */
type Operation =
  | 'commit'
  | 'complete_request'
  | 'cancel_request'
  | 'adopt'
  | 'begin_delete'
  | 'end_delete'
  | 'lease'
  | 'release_lease'
  | 'mark'
  | 'record_sample'
  | 'record_size'
  | 'forget_sizes'
  | 'save_tournament'
  | 'drop_share'
  | 'serve'
  | 'end_serving';

export type Argument = string | number;
/** Runs an operation on one pool's catalog. */
export type Run = (name: Operation, args: readonly Argument[]) => Promise<unknown>;

/** Runs the operations over a connection, which is taught each one when it is first called. */
export function defineOperations(redis: Redis, prefix: string): Run {
  const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return (name, args) => {
    const command = commandName(name);
    if (!(command in redis)) {
      const lua = readFileSync(new URL(`./ops/${name}.lua`, import.meta.url), 'utf8');
      redis.defineCommand(command, { lua, numberOfKeys: 1 });
    }
    const call = commands[command];
    if (!call) throw new TypeError(`no operation ${name}`);
    return call.call(redis, prefix, ...args);
  };
}

function commandName(name: string): string {
  return `spica_${name}`;
}
