import { afterEach, expect, test, vi } from 'vitest';
import { credentials, send } from '../src/api/call.ts';

afterEach(() => vi.unstubAllGlobals());

const STALE = {
  code: 'CSRF_REQUIRED',
  detail: 'spica-csrf: expected the `csrf` of GET /v1/session',
  status: 403,
};

/** A server that takes calls with one proof alone; resolves with the proofs that came. */
function pretendServer(proof: string): (string | undefined)[] {
  const shown: (string | undefined)[] = [];
  vi.stubGlobal('fetch', async (_path: string, { headers }: { headers: Record<string, string> }) => {
    shown.push(headers['spica-csrf']);
    const isGood = headers['spica-csrf'] === proof;
    return new Response(JSON.stringify(isGood ? { done: 1 } : STALE), { status: isGood ? 200 : 403 });
  });
  return shown;
}

test('a call goes through though somebody has logged in anew in another tab', async () => {
  const shown = pretendServer('new');
  credentials.csrf = 'old';
  credentials.renew = async () => {
    credentials.csrf = 'new';
  };
  expect(await send('POST', '/v1/plans', { body: {} })).toEqual({ done: 1 });
  expect(shown).toEqual(['old', 'new']);
});

test('a call that is refused with the newest proof, too, says so', async () => {
  const shown = pretendServer('another');
  credentials.renew = async () => undefined;
  await expect(send('POST', '/v1/plans', { body: {} })).rejects.toMatchObject({ code: 'CSRF_REQUIRED' });
  expect(shown).toHaveLength(2);
});
