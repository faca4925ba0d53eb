import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog, createSessions, createTokens } from '@spica/catalog';
import { releaseInstance } from '@spica/client/redis';
import { systemClock } from '@spica/core';
import { runJob } from '@spica/queues';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Server } from '../../src/index.ts';
import { ask, type Reply } from '../api/http.ts';
import { poolOf, serve } from '../served.ts';

const SECRETS = ['secret-note', 'secret-param', 'secret-of-one', 'a'.repeat(64)];
const XSS = '<img src=x onerror=alert(1)>';

let dir: string;
let local: LocalRedis;
let stack: Stack;
let server: Server;
/** Headers of whoever has logged in as these. */
let sessions: Record<'viewer' | 'runner' | 'operator', Record<string, string>>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-board-'));
  local = await startLocal();
  const template = await makeTemplate(join(dir, 'template'));
  const failing = { path: template, setup: ['sh', '-c', 'echo "it is $KEY"; exit 3'] };
  const gone = join(dir, 'nowhere');
  stack = await startStack({
    target: { url: local.url },
    templates: { default: template, failing, gone },
    settings: { 'pools.main.retention.max_instances': 4, 'sample.every': '1h' },
  });
  const { ctx, redis } = stack;
  server = await serve(redis, [poolOf(stack)], {
    paths: [ctx.pool.paths.root, stack.config.stateDir, template, gone],
  });
  sessions = {
    viewer: await logIn('viewer'),
    runner: await logIn('runner'),
    operator: await logIn('operator'),
  };
});
afterAll(async () => {
  await server.close();
  await stack.close();
  await local.stop();
  await rm(dir, { recursive: true, force: true });
});

async function logIn(name: 'viewer' | 'runner' | 'operator'): Promise<Record<string, string>> {
  const made = { name, role: name, createdAt: 0, createdBy: 'test@host', expiresAt: null };
  const token = await createTokens(stack.redis).create(made);
  const secret = await createSessions(stack.redis).begin({ name, token }, systemClock.now());
  const cookie = `spica-session=${secret}`;
  const page = await ask(server.url, '/queues', { headers: { cookie } });
  const [proof = ''] = /^XSRF-TOKEN=([0-9a-f]{64}); Path=\/queues; SameSite=Strict$/
    .exec(page.headers['set-cookie']?.[0] ?? '')
    ?.slice(1) ?? [''];
  return { cookie, 'x-xsrf-token': proof }; // as axios does it
}

const get = (path: string, who: keyof typeof sessions = 'operator') =>
  ask(server.url, `/queues/api${path}`, { headers: sessions[who] });

function act(method: string, path: string, body?: unknown, headers = sessions.operator): Promise<Reply> {
  return ask(server.url, `/queues/api${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
}

const lease = { owner: 'ada', tokenHash: 'a'.repeat(64), ms: 3_600_000 };

/** What is reserved, and who is held, in the process that serves the pool. */
const promised = () => ({
  slots: stack.ctx.gate.ledger.sums(systemClock.now()).reserved.slots,
  held: stack.ctx.gate.line.size,
});

async function notes(action: string): Promise<{ outcome: string; reason: string }[]> {
  const text = await readFile(join(stack.config.stateDir, 'audit.jsonl'), 'utf8');
  const lines = text.split('\n').filter((line) => line.includes(`"action":"board_${action}"`));
  return lines.map((line) => JSON.parse(line));
}

/** A request that is held, as all slots are leased. */
async function held(count = 4): Promise<{ id: string; ended: Promise<string> }> {
  const id = await stack.submit({ count, lease, notes: 'secret-note', params: { KEY: 'secret-param' } });
  await expect.poll(() => stack.ctx.gate.line.size).toBe(1);
  return {
    id,
    ended: stack.watcher.wait(id).then(
      () => 'ready',
      (error: { code: string }) => error.code,
    ),
  };
}

/** Whatever is there may go for what comes next. */
async function releaseAll(): Promise<void> {
  const catalog = createCatalog({ redis: stack.redis, pool: 'main' });
  for await (const { record } of catalog.list()) {
    const asked = { token: null, discard: true, force: true, by: 'test@host' };
    await releaseInstance({ catalog, name: 'main' }, record.id, asked);
  }
}
beforeEach(releaseAll);

describe('who only looks on', () => {
  it('sees requests without what is not theirs to see, and can do nothing', async () => {
    const id = await stack.submit({
      count: 1,
      lease,
      notes: 'secret-note',
      params: { KEY: 'secret-param' },
      paramsEach: [{ OWN: 'secret-of-one' }],
      labels: { note: XSS },
      experiment: XSS,
    });
    await stack.watcher.wait(id);
    const told = await stack.submit({ count: 1, template: 'failing', params: { KEY: 'secret-param' } });
    const pathIn = await stack.submit({ count: 1, template: 'gone' });
    await Promise.allSettled([stack.watcher.wait(told), stack.watcher.wait(pathIn)]);
    const paths = [
      `/queues/main.gate/${id}`,
      `/queues/main.gate/${id}/flow`,
      `/queues/main.gate/${id}/logs`,
      '/queues?activeQueue=main.gate',
      '/queues?activeQueue=main.spawn',
      '/job-schedulers',
      `/queues/main.gate/${told}`,
      `/queues/main.gate/${pathIn}`,
    ];
    for (const who of ['viewer', 'runner'] as const) {
      for (const path of paths) {
        const { status, text } = await get(path, who);
        expect(status, path).toBe(200);
        for (const secret of [...SECRETS, dir, stack.ctx.pool.paths.root])
          expect(text, path).not.toContain(secret);
      }
      const listed = (await get('/queues', who)).json as { queues: { readOnlyMode: boolean }[] };
      expect(listed.queues.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
      const refused = await act('PUT', '/queues/main.gate/pause', undefined, sessions[who]);
      expect(refused).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
    }
    expect((await get(`/queues/main.gate/${told}`)).text).toContain('it is secret-param');
    expect((await get(`/queues/main.gate/${pathIn}`)).text).toContain(join(dir, 'nowhere'));
    const shown = await get(`/queues/main.gate/${id}`);
    for (const secret of SECRETS.slice(0, 3)) expect(shown.text).toContain(secret);
    expect(shown.text).not.toContain('a'.repeat(64)); // nobody is told a lease's token, or its hash
    expect(shown.headers['content-type']).toMatch(/^application\/json/);
    expect(shown.json).toMatchObject({
      job: {
        data: { request: { labels: { note: XSS } } },
        externalUrl: { href: `/requests/${id}?pool=main` },
      },
    });
    expect(await stack.queues.gate.isPaused()).toBe(false);
  });

  it('is kept out by the proof of a session, and by where a call comes from', async () => {
    const { cookie = '' } = sessions.operator;
    for (const headers of [
      { cookie },
      { cookie, 'x-xsrf-token': sessions.viewer['x-xsrf-token'] ?? '' },
      { ...sessions.operator, 'sec-fetch-site': 'same-site' },
    ])
      expect((await act('PUT', '/queues/main.gate/pause', undefined, headers)).status).toBe(403);
    expect(await stack.queues.gate.isPaused()).toBe(false);
  });
});

describe('an operator', () => {
  it('pauses and goes on, which the audit log has with their name, before and after', async () => {
    expect((await act('PUT', '/queues/main.spawn/pause')).status).toBe(200);
    expect(await stack.queues.spawn.isPaused()).toBe(true);
    expect((await act('PUT', '/queues/main.spawn/resume')).status).toBe(200);
    await expect
      .poll(async () => (await notes('pause')).map(({ outcome, reason }) => [outcome, reason]))
      .toEqual([
        ['asked', 'operator on the board: queue spawn'],
        ['done', 'operator on the board: queue spawn'],
      ]);
  });

  it('who removes a request that has not ended has it cancelled: what it held is free, who waits is told', async () => {
    const full = await stack.submit({ count: 4, lease });
    await stack.watcher.wait(full);
    const { id, ended } = await held();
    const title = ((await get(`/queues/main.gate/${id}`)).json as { job: { name: string } }).job.name;
    expect(title).toMatch(/^4 × default, waiting \d+ s: 4 instances too many \(.*/);
    expect((await act('PUT', `/queues/main.gate/${id}/clean`)).status).toBe(204);
    expect(await ended).toBe('REQUEST_CANCELLED');
    expect(promised()).toEqual({ slots: 0, held: 0 });
  });

  it('who removes a spawn, or an admitted request, has all of it undone and given back', async () => {
    await act('PUT', '/queues/main.spawn/pause');
    const requests = [await stack.submit({ count: 1 }), await stack.submit({ count: 1 })];
    await expect.poll(() => stack.queues.spawn.getWaitingCount()).toBe(2);
    const ends = requests.map((id) =>
      stack.watcher.wait(id).then(
        () => 'ready',
        ({ code }) => code,
      ),
    );
    for (const id of requests)
      await expect.poll(() => stack.queues.gate.getJobState(id)).toBe('waiting-children');
    const [spawn] = await stack.queues.spawn.getWaiting();
    const first = spawn?.data.request as string;
    const second = requests.find((id) => id !== first) ?? '';
    expect((await act('PUT', `/queues/main.spawn/${spawn?.id}/clean`)).status).toBe(204);
    expect((await act('PUT', `/queues/main.gate/${second}/clean`)).status).toBe(204);
    expect((await Promise.all(ends)).toSorted()).toEqual(['REQUEST_CANCELLED', 'SPAWN_GONE']);
    expect(promised()).toEqual({ slots: 0, held: 0 });
    await act('PUT', '/queues/main.spawn/resume');
  });
});

it('a request that is removed past the board gives back what it held within seconds', async () => {
  await stack.queues.spawn.pause();
  const id = await stack.submit({ count: 3 });
  await expect.poll(() => stack.queues.spawn.getWaitingCount()).toBe(3);
  expect(promised().slots).toBe(3);
  // Its worker holds it until it waits for its children.
  await expect.poll(() => stack.queues.gate.getJobState(id)).toBe('waiting-children');
  expect(await stack.queues.gate.remove(id)).toBe(1);
  await stack.queues.spawn.resume();
  await expect.poll(() => promised().slots).toBe(0);
});

describe('what an operator has done again', () => {
  it('brings up nothing, where it is a spawn of a request that has ended', async () => {
    const id = await stack.submit({ count: 1, template: 'failing' });
    await expect(stack.watcher.wait(id)).rejects.toMatchObject({ code: 'SETUP_FAILED' });
    const [spawn] = await stack.queues.spawn.getFailed(0, 0);
    expect(spawn?.data).toMatchObject({ request: id });
    const before = (await Array.fromAsync(stack.ctx.catalog.list())).length;
    expect((await act('PUT', `/queues/main.spawn/${spawn?.id}/retry`)).status).toBe(204);
    const failure = async () => (await stack.queues.spawn.getJob(spawn?.id ?? ''))?.failedReason;
    await expect.poll(failure).toContain('NO_RESERVATION');
    expect(await Array.fromAsync(stack.ctx.catalog.list())).toHaveLength(before);
    // Its request was let in once: what was reserved then is not to be had without a decision.
    expect((await act('PUT', `/queues/main.gate/${id}/retry`)).status).toBe(409);
    expect(promised()).toEqual({ slots: 0, held: 0 });
  });

  it('is decided as any other, where it is a request: a copy is a new one, and a rejected one looks once more', async () => {
    const asked = { count: 1, template: 'default', labels: { of: 'copy' }, lease };
    const { instances } = await stack.spawn(asked);
    const [instance] = instances;
    const before = await stack.queues.gate.getJobCounts();
    const [done] = await stack.queues.gate.getCompleted();
    const copy = await act('POST', '/queues/main.gate/add', {
      name: 'request',
      data: done?.data,
      options: { delay: 9e6 },
    });
    expect(copy.status, copy.text).toBe(200);
    const { id } = (copy.json as { job: { id: string } }).job;
    const result = await stack.watcher.wait(id);
    expect(result.instances.map((each) => each.id)).not.toContain(instance?.id);
    const { record } = (await stack.ctx.catalog.get(result.instances[0]?.id ?? '')) ?? {};
    expect(record).toMatchObject({ labels: { of: 'copy' }, by: 'operator', lease: null });
    const never = await stack.submit({ count: 5 });
    await stack.watcher.wait(never).catch(() => undefined);
    expect((await act('PUT', `/queues/main.gate/${never}/retry`)).status).toBe(204);
    await expect.poll(() => stack.queues.gate.getJobState(never)).toBe('failed');
    expect((await stack.queues.gate.getJob(never))?.attemptsStarted).toBe(2);
    expect(promised()).toEqual({ slots: 0, held: 0 });
    expect((await stack.queues.gate.getJobCounts()).completed).toBe((before.completed ?? 0) + 1);
  });
});

describe('what would break a promise', () => {
  const request = 'req-000000000001';
  const amount = { bytes: 1e12, inodes: 0, slots: 0 };
  const prunes = [
    { pool: 'main', cause: 'request', request, from: null, need: amount, shortfall: amount },
    { pool: 'main', cause: 'pressure', shortfall: amount },
    { pool: 'main', cause: 'undo', request, count: 4, reason: 'again' },
    { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null },
    { pool: 'main', cause: 'trash', all: true },
  ];
  /** Calls by method, path and body; JOB is a request that has completed, and is there. */
  const refused: [method: string, path: string, body?: unknown][] = [
    ['PUT', '/queues/main.gate/JOB/retry'],
    ['PUT', '/queues/main.gate/retry/failed'],
    ['PUT', '/queues/main.prune/retry/failed'],
    ['PUT', '/queues/main.spawn/retry/completed'],
    ['PUT', '/queues/main.gate/clean/delayed'],
    ['PUT', '/queues/main.spawn/clean/wait'],
    ['PUT', '/queues/main.gate/empty'],
    ['PUT', '/queues/main.gate/obliterate', { force: true }],
    ['PATCH', '/queues/main.gate/JOB/update-data', { jobData: {} }],
    ['PATCH', '/queues/main.gate/JOB/delay', { runAt: 9e12 }],
    ['PATCH', '/queues/main.gate/JOB/priority', { priority: 1 }],
    ['PUT', '/queues/main.gate/concurrency', { concurrency: 1 }],
    ['PUT', '/queues/main.gate/rate-limit', { max: 1, duration: 9e9 }],
    ['PUT', '/queues/main.gate/JOB/remove-unprocessed-children'],
    ['PUT', '/queues/main.prune/job-schedulers/prune-schedule/remove'],
    ['PATCH', '/queues/main.prune/job-schedulers/prune-schedule', { every: 9e12 }],
    ...prunes.map((data): [string, string, unknown] => [
      'POST',
      '/queues/main.prune/add',
      { name: 'prune', data },
    ]),
    ['POST', '/queues/main.gate/add', { name: 'request', data: { request: { count: 1e9 } } }],
    ['POST', '/queues/main.sample/add', { name: 'sample', data: { pool: 'main', ids: ['../..'] } }],
  ];

  it('is refused, changes nothing, and is in the audit log', async () => {
    const kept = await stack.spawn({ count: 4 }); // with no lease: a prune would take them
    const [done] = await stack.queues.gate.getCompleted(0, 0);
    const counts = () => Promise.all(Object.values(stack.queues).map((queue) => queue.getJobCounts()));
    const before = await counts();
    for (const [method, path, body] of refused) {
      const reply = await act(method, path.replace('JOB', done?.id ?? ''), body);
      const what = `${method} ${path} ${JSON.stringify(body)}: ${reply.text}`;
      expect([400, 409], what).toContain(reply.status);
      expect(await counts(), what).toEqual(before);
    }
    for (const { id } of kept.instances) expect((await stack.ctx.catalog.get(id))?.state).toBe('ready');
    const told = expect.objectContaining({
      outcome: 'refused',
      reason: expect.stringMatching(/^operator on the board: queue gate: requests would be lost/),
    });
    await expect.poll(() => notes('obliterate')).toEqual([told]);
  });

  it('has only what is delayed run early, and says of any other job what it is', async () => {
    const [done] = await stack.queues.gate.getCompleted(0, 0);
    expect(await act('PUT', `/queues/main.gate/${done?.id}/promote`)).toMatchObject({
      status: 409,
      json: { message: 'only a job that is delayed can be promoted, and this one is completed' },
    });
    await act('PUT', '/queues/main.sample/pause');
    const later = await stack.queues.sample.add('sample', { pool: 'main', ids: [] }, { delay: 3_600_000 });
    expect((await act('PUT', `/queues/main.sample/${later.id}/promote`)).status).toBe(204);
    expect(await later.getState()).toBe('waiting');
    await act('PUT', '/queues/main.sample/resume');
  });

  it('is told to whoever waits for a job that was removed, in place of keeping them', async () => {
    await act('PUT', '/queues/main.sample/pause');
    const asked = runJob(
      stack.queues.sample,
      'sample',
      { pool: 'main', ids: [] },
      { redis: stack.redis, options: { jobId: 'asked' } },
    );
    const told = expect(asked).rejects.toMatchObject({ code: 'JOB_REMOVED' });
    await expect.poll(() => stack.queues.sample.getJobState('asked')).toBe('waiting');
    expect((await act('PUT', '/queues/main.sample/asked/clean')).status).toBe(204);
    await told;
    await act('PUT', '/queues/main.sample/resume');
  });

  it('is done to nobody by what is done: pruning by the pool, measuring, cleaning what has ended', async () => {
    await stack.spawn({ count: 4 });
    const prune = { name: 'prune', data: { pool: 'main', cause: 'schedule' } };
    for (const [method, path, body] of [
      ['POST', '/queues/main.prune/add', prune],
      ['PUT', '/queues/main.prune/job-schedulers/prune-schedule/run', undefined],
      ['PUT', '/queues/main.gate/clean/failed', undefined],
      ['PUT', '/queues/main.gate/promote', undefined],
    ] as const)
      expect((await act(method, path, body)).status, path).toBe(200);
    await expect.poll(async () => (await notes('run_schedule')).at(-1)?.outcome).toBe('done');
    expect(await Array.fromAsync(stack.ctx.catalog.list())).toHaveLength(4);
  });
});

it("takes nothing of a queue's own for a job: its schedules and its pause cannot be removed as one", async () => {
  const { gate, sample } = stack.queues;
  await sample.upsertJobScheduler('sample-schedule', { every: 3_600_000 }, { name: 'sample' });
  await gate.pause();
  for (const job of ['main.gate/meta', 'main.sample/repeat:sample-schedule', 'main.sample/meta']) {
    for (const action of ['clean', 'retry', 'promote'])
      expect((await act('PUT', `/queues/${job}/${action}`)).status, `${job} ${action}`).toBe(404);
  }
  expect(await gate.isPaused()).toBe(true);
  expect(await sample.getJobScheduler('sample-schedule')).toMatchObject({ every: 3_600_000 });
  await gate.resume();
  await sample.removeJobScheduler('sample-schedule');
});
