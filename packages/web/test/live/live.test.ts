import { signal } from '@preact/signals';
import { afterEach, expect, test, vi } from 'vitest';
import type { PoolView } from '../../src/api/views.ts';
import { followPool, type Live } from '../../src/live/live.ts';
import type { StreamOptions } from '../../src/live/stream.ts';

let live: Live | null = null;
afterEach(() => live?.stop());

/** A pretended server: streams are opened, spoken on and ended by the test; time passes as the test lets it. */
function pretendServer() {
  const streams: (StreamOptions & { end: () => void })[] = [];
  const sleeps: { ms: number; wake: () => void }[] = [];
  const isVisible = signal(true);
  const server = { streams, sleeps, isVisible, isUp: true, givesStreams: true, polls: 0, time: 1_000 };
  live = followPool('main', {
    isVisible,
    now: () => server.time,
    async readStream(_pool, options) {
      if (!server.isUp || !server.givesStreams) throw new Error('refused');
      const { promise, resolve } = Promise.withResolvers<void>();
      options.signal.addEventListener('abort', () => resolve());
      streams.push({ ...options, end: resolve });
      options.onOpen();
      return promise;
    },
    async readPool() {
      server.polls += 1;
      if (!server.isUp) throw new Error('away');
      return aPool(server.polls);
    },
    sleep(ms, ending) {
      const { promise, resolve } = Promise.withResolvers<void>();
      ending.addEventListener('abort', () => resolve());
      sleeps.push({ ms, wake: resolve });
      return promise;
    },
  });
  return { server, live };
}

const aPool = (instances: number) => ({ pool: 'main', instances }) as PoolView;
const until = (check: () => void) => vi.waitFor(check, { interval: 1 });

test('what the stream says is shown as it comes, with the time of it', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  const [stream] = server.streams;
  const before = { requests: live.requests.value, instances: live.instances.value };
  server.time = 2_000;
  stream?.onMessage({ event: 'pool', data: aPool(7) });
  stream?.onMessage({ event: 'requests', data: { changed: true } });
  stream?.onMessage({ event: 'instances', data: { changed: true, ids: ['spica-1'] } });
  stream?.onMessage({ event: 'audit', data: { seq: 9 } });
  expect(live.pool.value?.instances).toBe(7);
  expect(live.requests.value).toBe(before.requests + 1);
  expect(live.instances.value).toBe(before.instances + 1);
  expect(live.audit.value?.seq).toBe(9);
  expect(live.asOf.value).toBe(2_000);
});

test('while Redis is away, what is shown is as of when it was known, though the stream lives; then all is loaded anew', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  const [stream] = server.streams;
  stream?.onMessage({ event: 'pool', data: aPool(7) });
  server.time = 2_000;
  stream?.onMessage({ event: 'away', data: { reason: 'Redis is out of reach' } });
  stream?.onMessage({ event: 'audit', data: { seq: 9 } });
  expect({ link: live.link.value, asOf: live.asOf.value }).toEqual({ link: 'lost', asOf: 1_000 });
  const before = { requests: live.requests.value, instances: live.instances.value };
  stream?.onMessage({ event: 'pool', data: aPool(8) });
  expect({ link: live.link.value, asOf: live.asOf.value }).toEqual({ link: 'live', asOf: 2_000 });
  expect(live.requests.value).toBeGreaterThan(before.requests);
  expect(live.instances.value).toBeGreaterThan(before.instances);

  // Opened anew while Redis is away: nothing more is known for that.
  server.time = 3_000;
  stream?.end();
  server.isUp = false;
  await until(() => expect(server.polls).toBe(1));
  server.isUp = true;
  server.sleeps.at(-1)?.wake();
  await until(() => expect(server.streams).toHaveLength(2));
  server.streams[1]?.onMessage({ event: 'away', data: { reason: 'Redis is out of reach' } });
  expect({ link: live.link.value, asOf: live.asOf.value }).toEqual({ link: 'lost', asOf: 2_000 });
});

test('a stream that ends is opened again, and the lists are loaded anew, since they may have changed meanwhile', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  server.streams[0]?.end();
  await until(() => expect(live.link.value).toBe('polling'));
  const before = live.requests.value;
  server.sleeps[0]?.wake();
  await until(() => expect(server.streams).toHaveLength(2));
  expect(live.link.value).toBe('live');
  expect(live.requests.value).toBe(before + 1);
});

test('without a stream the server is asked, and the page says so', async () => {
  const { server, live } = pretendServer();
  server.givesStreams = false;
  server.streams[0]?.end();
  await until(() => expect(live.link.value).toBe('polling'));
  for (let polls = 1; polls < 4; polls += 1) {
    server.sleeps.at(-1)?.wake();
    await until(() => expect(server.polls).toBe(polls + 1));
  }
  expect(live.pool.value?.instances).toBe(server.polls);
});

test('where nobody answers, what is shown stays, as of when it was so', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  server.streams[0]?.onMessage({ event: 'pool', data: aPool(3) });
  server.isUp = false;
  server.time = 60_000;
  server.streams[0]?.end();
  await until(() => expect(server.polls).toBe(1));
  expect({ link: live.link.value, asOf: live.asOf.value }).toEqual({ link: 'lost', asOf: 1_000 });
  expect(live.pool.value?.instances).toBe(3);
  server.isUp = true;
  server.sleeps.at(-1)?.wake();
  await until(() => expect(live.link.value).toBe('live'));
});

test('while nobody looks nothing is asked, and it goes on once somebody does', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  server.isVisible.value = false;
  await until(() => expect(live.link.value).toBe('paused'));
  expect(server.streams[0]?.signal.aborted).toBe(true);
  expect(server.polls).toBe(0);
  server.isVisible.value = true;
  await until(() => expect(live.link.value).toBe('live'));
  expect(server.streams).toHaveLength(2);
});

test('once it is stopped, its stream is closed for good', async () => {
  const { server, live } = pretendServer();
  await until(() => expect(live.link.value).toBe('live'));
  live.stop();
  expect(server.streams[0]?.signal.aborted).toBe(true);
  server.isVisible.value = false;
  server.isVisible.value = true;
  await Promise.resolve();
  expect(server.streams).toHaveLength(1);
});
