import { TOKEN_ROLES, type TokenRole } from '@spica/catalog';
import type { Caller } from '../listen/callers.ts';

/** Whether a role may what needs another: each may also what those before it may. */
export function mayCall(role: TokenRole, needed: TokenRole): boolean {
  return TOKEN_ROLES.indexOf(role) >= TOKEN_ROLES.indexOf(needed);
}

/** Why a caller may not, and what would help whoever only looks on. */
export function sayRole(what: string, needed: TokenRole, { name, role, door }: Caller): string {
  const way = door === 'loopback' ? ': run `spica open` on this machine to log in as an operator' : '';
  return `${what} needs the role ${needed}; ${name} has the role ${role}${way}`;
}
