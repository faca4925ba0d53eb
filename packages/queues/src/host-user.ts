import { hostname, userInfo } from 'node:os';

/** Who submits, leases and pins, unless told otherwise: `user@host`, at most 200 characters, as payloads allow. */
export function hostUser(): string {
  return `${userName()}@${hostname()}`.slice(0, 200);
}

/** A container may run under a user id that nobody gave a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
