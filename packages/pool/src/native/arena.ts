import { libc } from './libc.ts';

/** M_ARENA_MAX of malloc.h */
const ARENA_MAX = -8;

/**
 * Has all threads of this process allocate from one arena, which takes less memory and more waiting for each other. Those
 * that have one already keep it. False where the C library has no such setting, as musl.
 *
 * @see mallopt(3)
 */
export function shareArena(): boolean {
  const mallopt = findMallopt();
  return mallopt !== null && mallopt(ARENA_MAX, 1) === 1;
}

function findMallopt() {
  try {
    return libc.func('int mallopt(int param, int value)');
  } catch {
    return null;
  }
}
