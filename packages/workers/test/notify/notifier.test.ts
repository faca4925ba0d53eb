import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NotifyTarget, signBody, systemClock, type WorkEvent } from '@spica/core';
import { afterEach, expect, it, vi } from 'vitest';
import { type Notifier, startNotifier, testReceivers } from '../../src/notify/notifier.ts';
import type { OutboxTimes } from '../../src/notify/outbox.ts';
import { createWorkEvents, type WorkEvents } from '../../src/work-events.ts';
import { startReceiver, type TestReceiver } from './receiver.ts';

const TIMES: OutboxTimes = { gather: 20, quiet: 200, backoff: [10], patience: 60_000 };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const target = (url: string, more: Partial<NotifyTarget> = {}): NotifyTarget => {
  return { url: { value: url }, on: ['short', 'deleted'], format: 'json', secret: null, ...more };
};

interface Begun {
  readonly events: WorkEvents;
  readonly notifier: Notifier;
  /** How messages have ended. */
  readonly ends: string[];
  readonly warn: ReturnType<typeof vi.fn>;
}

async function begin(notify: readonly NotifyTarget[], times = TIMES): Promise<Begun> {
  const warn = vi.fn();
  const events = createWorkEvents({ error: warn });
  const ends: string[] = [];
  events.on((event) => {
    if (event.kind === 'notified') ends.push(event.outcome);
  });
  const notifier = await startNotifier({
    config: { notify },
    env: {},
    events,
    clock: systemClock,
    logger: { warn },
    times,
  });
  open.push(notifier);
  return { events, notifier, ends, warn };
}

async function receiver(answer?: (number: number) => number): Promise<TestReceiver> {
  const started = await startReceiver(answer);
  open.push(started);
  return started;
}

const SHORT: WorkEvent = {
  kind: 'pressure',
  pool: 'main',
  before: 'ok',
  level: 'short',
  reason: '9 GB free',
};
const gone = (id: string): WorkEvent => {
  return { kind: 'deleted', pool: 'main', instances: [{ id, rule: 'age', reason: '4d old', bytes: null }] };
};

it('posts what a receiver asked for, signed, again until it is taken', async () => {
  const to = await receiver((number) => (number < 2 ? 503 : 204));
  const { events, ends } = await begin([target(to.url, { secret: { value: 'key' }, on: ['short'] })]);
  events.emit(gone('spica-1'));
  events.emit(SHORT);
  const posts = await to.waitFor(3);
  const { body, headers } = posts[2] ?? { body: '', headers: {} };
  expect(JSON.parse(body)).toMatchObject({ event: 'short', pool: 'main', items: [{ text: '9 GB free' }] });
  expect(new Set(posts.map((post) => post.body))).toEqual(new Set([body]));
  const at = /^t=(\d+),/.exec(String(headers['spica-signature']))?.[1];
  expect(headers['spica-signature']).toBe(signBody(body, 'key', Number(at) * 1_000));
  expect(headers['spica-event']).toBe('short');
  await expect.poll(() => ends).toEqual(['delivered']);
});

it('makes one message of a storm, and one of what comes soon after it', async () => {
  const to = await receiver();
  const { events } = await begin([target(to.url)]);
  for (let i = 0; i < 300; i += 1) events.emit(gone(`spica-${i}`));
  await to.waitFor(1);
  for (let i = 0; i < 300; i += 1) events.emit(gone(`spica-${i}`));
  const posts = await to.waitFor(2);
  expect(posts.map(({ body }) => JSON.parse(body).count)).toEqual([300, 300]);
});

it('gives up what is refused for good, and never shows the address or the secret', async () => {
  const to = await receiver(() => 403);
  const { events, ends, warn } = await begin([target(to.url, { secret: { value: 'k3y' } })]);
  events.emit(SHORT);
  await expect.poll(() => ends).toEqual(['given-up']);
  expect(to.posts).toHaveLength(1);
  const said = JSON.stringify(warn.mock.calls);
  expect(said).toContain('answered 403');
  expect(said).not.toMatch(/s3cret|k3y/);
});

it('follows no redirect, and takes no certificate that nobody vouches for', async () => {
  const to = await receiver(() => 302);
  const dir = await mkdtemp(join(tmpdir(), 'spica-notify-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
  execFileSync('openssl', [...make, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) =>
    response.end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tls = `https://localhost:${(server.address() as AddressInfo).port}/`;
  const ends = await testReceivers({ notify: [target(to.url), target(tls)] }, {}, systemClock);
  expect(ends.map(({ problem }) => problem)).toEqual([
    expect.stringContaining('answered 302'),
    expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
  ]);
  expect(to.posts).toHaveLength(1);
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});

it('reads secrets from files and variables, names what is missing, and then goes on as before', async () => {
  const to = await receiver();
  const dir = await mkdtemp(join(tmpdir(), 'spica-notify-'));
  await writeFile(join(dir, 'url'), `${to.url}\n`);
  const { events, notifier } = await begin([target('', { url: { file: join(dir, 'url') } })]);
  const missing = { notify: [target(to.url, { secret: { env: 'SPICA_NOWHERE' } })] };
  await expect(notifier.configure(missing)).rejects.toThrow(
    /notify\.0\.secret: expected a variable SPICA_NOWHERE/,
  );
  await expect(notifier.configure({ notify: [target('', { url: { file: dir } })] })).rejects.toThrow(
    `notify.0.url: ${dir}: the system says "it is a directory"`,
  );
  events.emit(SHORT);
  await to.waitFor(1);
  await rm(dir, { recursive: true });
});

it('ends within moments while a receiver is away, with a last try of what waits', async () => {
  const to = await receiver(() => 503);
  const { events, notifier, ends, warn } = await begin([target(to.url)], { ...TIMES, backoff: [3_600_000] });
  events.emit(SHORT);
  await expect.poll(() => warn.mock.calls.length).toBe(1); // it waits for its next try
  await notifier.close();
  expect(to.posts).toHaveLength(2);
  expect(ends).toEqual(['given-up']);
});
