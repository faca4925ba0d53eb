import { homedir } from 'node:os';
import { stateDirOf } from '@spica/core';
import { apiSocketOf, embeddedSocketOf } from '@spica/queues';

/** Where the stack that this user runs on this machine is reached: its HTTP API, and its own Redis. */
export function localSockets(env: Readonly<Record<string, string | undefined>>): {
  readonly api: string;
  readonly redis: string;
} {
  const { path } = stateDirOf({ env, cwd: process.cwd(), home: homedir() });
  return { api: apiSocketOf(path), redis: embeddedSocketOf(path) };
}
