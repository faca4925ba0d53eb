import { TOKEN_ROLES, type TokenRole } from '@spica/catalog';

/** Whether a role may what needs another: each may also what those before it may. */
export function mayCall(role: TokenRole, needed: TokenRole): boolean {
  return TOKEN_ROLES.indexOf(role) >= TOKEN_ROLES.indexOf(needed);
}
