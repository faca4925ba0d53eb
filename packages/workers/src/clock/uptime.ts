import { readFileSync } from 'node:fs';
import type { Monotonic } from './guard.ts';

/**
 * Milliseconds since the machine was started, by the kernel's `/proc/uptime`: nobody can set it, and it goes on while the
 * machine sleeps, where `performance.now()` stands still. Throws where the file holds no number.
 */
export const uptime: Monotonic = () => readUptime();

/** @param path Another file of the same form, for tests. */
export function readUptime(path = '/proc/uptime'): number {
  const seconds = Number.parseFloat(readFileSync(path, 'utf8'));
  if (Number.isFinite(seconds)) return seconds * 1000;
  throw new Error(`${path}: expected the seconds since the start of the machine`);
}
