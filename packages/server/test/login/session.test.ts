import { createSessions, createTokens, SESSION_LONGEST_MS, type TokenRole } from '@spica/catalog';
import { type Clock, systemClock } from '@spica/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Server, ServerOptions } from '../../src/index.ts';
import { type Ask, ask, type Reply } from '../api/http.ts';
import { openPool, serve as serveAt, startRedis, type TestRedis } from '../served.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(() => redis.redis.flushall());
afterAll(() => redis.close());

async function serve(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await serveAt(redis.redis, [openPool('main', redis.redis)], options);
  onTestFinished(() => server.close());
  return server;
}

function makeToken(role: TokenRole, expiresAt: number | null = null): Promise<string> {
  const made = { name: role, role, createdAt: 0, createdBy: 'ada@host', expiresAt };
  return createTokens(redis.redis).create(made);
}

interface LoggedIn {
  readonly cookie: string;
  readonly csrf: string;
}

async function logIn(url: string, token: string): Promise<LoggedIn> {
  const reply = await ask(url, '/v1/session', { method: 'POST', body: { token } });
  expect(reply.status, reply.text).toBe(200);
  return { cookie: cookieOf(reply), csrf: (reply.json as { csrf: string }).csrf };
}

function cookieOf({ headers }: Reply): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

const session = (url: string, cookie: string) => ask(url, '/v1/session', { headers: { cookie } });
/** A plan changes nothing and is an operator's: 404 where there is no such pool, which comes after who may. */
const change = (url: string, headers: Ask['headers']) =>
  ask(url, '/v1/plans?pool=none', { method: 'POST', body: {}, headers: { ...headers } });

describe('a session', () => {
  it('is begun with a token, in a cookie that no script and no other site can use', async () => {
    const { url } = await serve();
    const token = await makeToken('operator');
    const reply = await ask(url, '/v1/session', { method: 'POST', body: { token } });
    const [cookie = ''] = reply.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^spica-session=[0-9a-f]{64}; HttpOnly; Path=\/; Max-Age=604800; SameSite=Strict$/,
    );
    expect(reply.json).toMatchObject({
      caller: { name: 'operator', role: 'operator', door: 'session' },
      csrf: expect.stringMatching(/^[0-9a-f]{64}$/),
      hasTokens: true,
      version: '1.2.3',
    });
    expect(reply.text).not.toContain(cookie.slice(14, 78));
    const overProxy = { 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.0.0.1' };
    const secure = await ask(url, '/v1/session', { method: 'POST', body: { token }, headers: overProxy });
    expect(secure.headers['set-cookie']?.[0]).toMatch(/; Secure$/);
  });

  it('is in Redis by its hash alone, and the audit log says who has logged in', async () => {
    const { url } = await serve();
    const { cookie } = await logIn(url, await makeToken('runner'));
    const keys = await redis.redis.keys('spica:session:*');
    const stored = await redis.redis.get(keys[0] ?? '');
    const secret = cookie.split('=')[1] ?? '';
    expect([keys.length, `${keys}${stored}`.includes(secret)]).toEqual([1, false]);
    // Whoever has read Redis has nothing to show.
    const stolen = `spica-session=${keys[0]?.split(':').at(-1)}`;
    expect((await session(url, stolen)).json).toMatchObject({ caller: null, csrf: null, pools: [] });
    const { notes } = await redis.redis
      .lrange('{spica:main}:catalog:notes', 0, -1)
      .then((texts) => ({ notes: texts.map((text) => JSON.parse(text)) }));
    expect(notes).toMatchObject([{ action: 'log_in', token: 'runner', outcome: 'logged in' }]);
  });

  it('changes nothing without the proof that only our own pages can read', async () => {
    const { url } = await serve();
    const { cookie, csrf } = await logIn(url, await makeToken('operator'));
    const other = await logIn(url, await makeToken('viewer'));
    for (const headers of [{ cookie }, { cookie, 'spica-csrf': '' }, { cookie, 'spica-csrf': other.csrf }])
      expect(await change(url, headers)).toMatchObject({ status: 403, json: { code: 'CSRF_REQUIRED' } });
    expect((await change(url, { cookie, 'spica-csrf': csrf })).json).toMatchObject({ code: 'POOL_UNKNOWN' });
  });

  it('changes nothing for a page of another origin, another port of this host among them', async () => {
    const { url } = await serve();
    const { cookie, csrf } = await logIn(url, await makeToken('operator'));
    const own = { cookie, 'spica-csrf': csrf };
    for (const from of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
    ])
      expect(await change(url, { ...own, ...from })).toMatchObject({
        status: 403,
        json: { code: 'ORIGIN_REFUSED' },
      });
    for (const from of [{ 'sec-fetch-site': 'same-origin' }, { origin: url }])
      expect((await change(url, { ...own, ...from, host: new URL(url).host })).status).toBe(404);
  });

  it('cannot be begun by a page of another site, which would have one act as somebody else', async () => {
    const { url } = await serve();
    const token = await makeToken('viewer');
    const headers = { 'sec-fetch-site': 'cross-site' };
    const reply = await ask(url, '/v1/session', { method: 'POST', body: { token }, headers });
    expect([reply.status, reply.headers['set-cookie']]).toEqual([403, undefined]);
  });

  it('ends with its token: revoked, made anew under its name, or expired', async () => {
    let now = systemClock.now();
    const clock: Clock = { now: () => now };
    const { url } = await serve({ clock });
    const tokens = createTokens(redis.redis);
    const { cookie } = await logIn(url, await makeToken('operator'));
    const pools = () => ask(url, '/v1/pools', { headers: { cookie } });
    expect((await pools()).status).toBe(200);
    await tokens.revoke('operator');
    const token = await makeToken('operator', now + 60_000);
    expect(await pools()).toMatchObject({ status: 401, json: { code: 'UNAUTHENTICATED' } });
    const again = await logIn(url, token);
    expect((await session(url, again.cookie)).json).toMatchObject({
      expiresAt: new Date(now + 60_000).toISOString(),
    });
    now += 60_000;
    await createTokens(redis.redis).create({
      name: 'x',
      role: 'viewer',
      createdAt: 0,
      createdBy: '',
      expiresAt: null,
    });
    expect((await session(url, again.cookie)).json).toMatchObject({ caller: null, csrf: null });
  });

  it('ends when it is not used for eight hours, and after seven days in any case', async () => {
    const sessions = createSessions(redis.redis);
    const token = await makeToken('viewer');
    const hour = 3_600_000;
    const idle = await sessions.begin({ name: 'viewer', token }, 0);
    expect(await sessions.check(idle, 8 * hour - 1, { use: false })).not.toBeNull();
    expect(await sessions.check(idle, 8 * hour)).toBeNull();
    const used = await sessions.begin({ name: 'viewer', token }, 0);
    for (let now = 0; now < SESSION_LONGEST_MS; now += 7 * hour)
      expect(await sessions.check(used, now)).toMatchObject({ name: 'viewer', role: 'viewer' });
    expect(await sessions.check(used, SESSION_LONGEST_MS)).toBeNull();
  });

  it('ends when its user logs out, and another login in the same browser takes its place', async () => {
    const { url } = await serve();
    const token = await makeToken('viewer');
    const first = await logIn(url, token);
    const again = await ask(url, '/v1/session', {
      method: 'POST',
      body: { token },
      headers: { cookie: first.cookie, 'spica-csrf': first.csrf },
    });
    expect((await session(url, first.cookie)).json).toMatchObject({ caller: null });
    const cookie = cookieOf(again);
    const { csrf } = again.json as { csrf: string };
    const out = { method: 'DELETE', headers: { cookie, 'spica-csrf': csrf } };
    expect((await ask(url, '/v1/session', { ...out, headers: { cookie } })).status).toBe(403);
    const ended = await ask(url, '/v1/session', out);
    expect([ended.status, ended.headers['set-cookie']?.[0]]).toEqual([
      204,
      expect.stringMatching(/^spica-session=; .*Max-Age=0/),
    ]);
    expect((await session(url, cookie)).json).toMatchObject({ caller: null });
  });

  it('is for what its token may do, no more', async () => {
    const { url } = await serve();
    const { cookie, csrf } = await logIn(url, await makeToken('viewer'));
    expect(await change(url, { cookie, 'spica-csrf': csrf })).toMatchObject({
      status: 403,
      json: { code: 'FORBIDDEN', detail: expect.not.stringContaining('spica open') },
    });
  });
});

describe('without a token', () => {
  it('everybody of this host looks on, and is told how to log in for more', async () => {
    const { url } = await serve();
    expect((await session(url, '')).json).toEqual({
      caller: { name: 'loopback', role: 'viewer', door: 'loopback' },
      csrf: null,
      expiresAt: null,
      hasTokens: false,
      pools: [],
      version: '1.2.3',
    });
    expect(await change(url, {})).toMatchObject({
      status: 403,
      json: { code: 'FORBIDDEN', detail: expect.stringContaining('`spica open`') },
    });
    const proxied = await ask(url, '/v1/session', { headers: { via: '1.1 proxy' } });
    expect(proxied.json).toMatchObject({ caller: null, pools: [] });
    const rebound = await ask(url, '/v1/session', { headers: { host: 'evil.example' } });
    expect(rebound).toMatchObject({ status: 403, json: { code: 'HOST_REFUSED' } });
  });

  it('whoever may open the socket makes a link that logs one browser in as an operator, once', async () => {
    const { url, socket } = await serve();
    const made = await ask(socket ?? '', '/open', { method: 'POST', body: { by: 'ada@host' } });
    const link = (made.json as { url: string }).url;
    expect(link).toMatch(new RegExp(`^${url}/open/[0-9a-f]{64}$`));
    const path = new URL(link).pathname;
    expect((await ask(url, path, { method: 'HEAD' })).status).toBe(404); // who only looks does not use it up
    const opened = await ask(url, path);
    expect([opened.status, opened.text]).toEqual([200, expect.stringContaining('url=/"')]);
    expect((await session(url, cookieOf(opened))).json).toMatchObject({
      caller: { name: 'ada@host', role: 'operator', door: 'session' },
    });
    const again = await ask(url, path);
    expect([again.status, again.headers['set-cookie']]).toEqual([401, undefined]);
    expect((await ask(url, '/open', { method: 'POST', body: { by: 'ada@host' } })).status).toBe(405);
    const taken = await ask(socket ?? '', '/open', { method: 'POST', body: { by: 'operator' } });
    expect(taken).toMatchObject({ status: 400, json: { code: 'PAYLOAD_INVALID' } });
  });

  it('a link is gone a minute after it was made', async () => {
    const sessions = createSessions(redis.redis);
    const secret = await sessions.makeLink('ada@host');
    const [key = ''] = await redis.redis.keys('spica:link:*');
    const left = await redis.redis.pttl(key);
    expect([left > 0, left <= 60_000, key.includes(secret)]).toEqual([true, true, false]);
    await redis.redis.pexpire(key, 0);
    expect(await sessions.openLink(secret, 0)).toBeNull();
  });
});

describe('the login form', () => {
  const form = (fields: Record<string, string>, headers: Record<string, string> = {}): Ask => ({
    method: 'POST',
    body: Buffer.from(new URLSearchParams(fields).toString()),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
  });

  it('is where a browser comes to that is not logged in, and leads back', async () => {
    const { url } = await serve();
    const token = await makeToken('operator');
    const accept = 'text/html,application/xhtml+xml';
    const led = await ask(url, '/requests/req-1?pool=main', { headers: { accept } });
    expect([led.status, led.headers.location]).toEqual([
      303,
      '/login?next=%2Frequests%2Freq-1%3Fpool%3Dmain',
    ]);
    expect((await ask(url, '/requests/req-1')).status).toBe(401); // a program is told
    const shown = await ask(url, led.headers.location ?? '');
    expect(shown.text).toContain('name="next" value="/requests/req-1?pool=main"');
    expect(shown.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    const done = await ask(url, '/login', form({ token, next: '/requests/req-1?pool=main' }));
    expect([done.status, done.headers.location]).toEqual([303, '/requests/req-1?pool=main']);
    expect((await session(url, cookieOf(done))).json).toMatchObject({ caller: { role: 'operator' } });
  });

  it.each([
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    '/..//evil.example',
    'javascript:1',
    '',
  ])('goes nowhere else than to this server, whatever it is asked (%j)', async (next) => {
    const { url } = await serve();
    const done = await ask(url, '/login', form({ token: await makeToken('viewer'), next }));
    const target = new URL(done.headers.location ?? 'http://evil.example', url);
    expect([done.status, target.origin]).toEqual([303, url]);
  });

  it('shows what it was given as text', async () => {
    const { url } = await serve();
    await makeToken('viewer');
    const next = '/"><script>alert(1)</script>';
    const shown = await ask(url, `/login?next=${encodeURIComponent(next)}`);
    expect(shown.text).not.toContain('<script');
    const refused = await ask(url, '/login', form({ token: '<script>', next }));
    expect([refused.status, refused.text.includes('<script')]).toEqual([401, false]);
  });

  it('takes so many wrong tokens in a minute, and then none, right ones neither', async () => {
    const { url } = await serve();
    const token = await makeToken('operator');
    for (let guess = 0; guess < 5; guess += 1) {
      expect((await ask(url, '/login', form({ token: `spica_operator_${guess}` }))).status).toBe(401);
      const reply = await ask(url, '/v1/session', { method: 'POST', body: { link: '0'.repeat(64) } });
      expect(reply.status).toBe(401);
    }
    const late = await ask(url, '/v1/session', { method: 'POST', body: { token } });
    expect(late).toMatchObject({ status: 429, json: { code: 'RATE_LIMITED', retryable: true } });
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask(url, '/v1/pools', { token })).status).toBe(200); // calls with a token are not logins
  });
});
