import { signal } from '@preact/signals';
import { credentials, get, send } from './call.ts';

export type Role = 'viewer' | 'runner' | 'operator';

/** Who is at the page, as `GET /v1/session` says. */
export interface Session {
  /** Null where somebody has to log in. */
  readonly caller: {
    readonly name: string;
    readonly role: Role;
    readonly door: 'loopback' | 'session' | 'token' | 'socket';
  } | null;
  readonly csrf: string | null;
  readonly expiresAt: string | null;
  /** Whether there is any token to log in with. */
  readonly hasTokens: boolean;
  readonly pools: readonly string[];
  readonly version: string;
}

/** Null until the first answer. */
export const session = signal<Session | null>(null);

/** Whether they may change this: an operator everything, a runner what was submitted with its token. */
export function mayChange(by: string | null): boolean {
  const caller = session.value?.caller;
  return caller?.role === 'operator' || (caller?.role === 'runner' && by === caller.name);
}

credentials.onLoggedOut = () => {
  const { value } = session;
  if (value?.caller) take({ ...value, caller: null, csrf: null, expiresAt: null });
};

/** Asks who is at the page. Throws ApiError. */
export async function loadSession(): Promise<void> {
  take(await get<Session>('/v1/session'));
}
credentials.renew = loadSession;

/** Logs in with a token. Throws ApiError: UNAUTHENTICATED for one that lets nobody in. */
export async function logIn(token: string): Promise<void> {
  take(await send<Session>('POST', '/v1/session', { body: { token } }));
}

/** Ends the session, here and on the server. */
export async function logOut(): Promise<void> {
  await send('DELETE', '/v1/session');
  await loadSession();
}

function take(next: Session): void {
  credentials.csrf = next.csrf;
  session.value = next;
}
