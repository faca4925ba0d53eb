import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** The atomic operations: one Lua file each, and how many of its arguments are keys. */
const OPERATIONS = {
  reserve: 3,
  commit: 5,
  give_back: 2,
  settle: 1,
  adopt: 2,
  begin_delete: 2,
  end_delete: 3,
  record_sample: 4,
} as const;

export type Operation = keyof typeof OPERATIONS;
type Argument = string | number;

/** Teaches a connection the operations. Safe to call again. */
export function defineOperations(
  redis: Redis,
): (name: Operation, keys: string[], args: Argument[]) => Promise<unknown> {
  for (const [name, numberOfKeys] of Object.entries(OPERATIONS)) {
    if (commandName(name) in redis) continue;
    const lua = readFileSync(new URL(`./ops/${name}.lua`, import.meta.url), 'utf8');
    redis.defineCommand(commandName(name), { lua, numberOfKeys });
  }
  const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return (name, keys, args) => {
    const command = commands[commandName(name)];
    if (!command) throw new TypeError(`no operation ${name}`);
    return command.call(redis, ...keys, ...args);
  };
}

function commandName(name: string): string {
  return `spica_${name}`;
}
