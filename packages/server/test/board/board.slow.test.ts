import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Server } from '../../src/index.ts';
import { openPool, serve, startRedis, submitEight, type TestRedis } from '../served.ts';

/** What Bull Board's API answers, as far as the tests look at it. */
interface Answer {
  readonly queues: readonly { readonly name: string; readonly jobs: readonly { readonly name: string }[] }[];
  readonly flowRoot: Node & { readonly children: readonly Node[] };
  readonly job: { readonly name: string; readonly progress: unknown };
  readonly error: string;
}
interface Node {
  readonly id: string;
  readonly queueName: string;
}

async function getJson(url: URL): Promise<Answer> {
  return (await (await fetch(url)).json()) as Answer;
}

describe('Bull Board', () => {
  let redis: TestRedis;
  let server: Server;
  const get = (path: string) => getJson(new URL(path, server.url));

  beforeAll(async () => {
    redis = await startRedis();
    server = await serve(redis.redis, [openPool('main', redis.redis), openPool('big', redis.redis)]);
  });
  afterAll(async () => {
    await server.close();
    await redis.close();
  });

  it('shows the four queues of each pool, told apart by the pool, in the order in which a request meets them', async () => {
    const { queues } = await get('/queues/api/queues');
    expect(queues.map(({ name }) => name)).toEqual([
      'main.gate',
      'main.spawn',
      'main.prune',
      'main.sample',
      'big.gate',
      'big.spawn',
      'big.prune',
      'big.sample',
    ]);
  });

  it('is called Spica', async () => {
    const page = await fetch(new URL('/queues', server.url));
    expect(await page.text()).toContain('<title>Spica</title>');
  });

  it('has the browser ask no other host for anything', async () => {
    const page = await fetch(new URL('/queues', server.url));
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; .*connect-src 'self'; font-src 'self'; frame-ancestors 'none'/,
    );
  });

  it("shows a request's tree of spawn and prune jobs, and no other pool's", async () => {
    const big = openPool('big', redis.redis);
    const id = await submitEight(big);
    const parent = { id, queue: big.queues.gate.qualifiedName };
    await big.queues.spawn.add('spawn', {}, { jobId: 'spawn-0', parent });
    await big.queues.spawn.add('spawn', {}, { jobId: 'spawn-1', parent });
    await big.queues.prune.add('prune', {}, { jobId: 'prune-0', parent });
    const { flowRoot } = await get('/queues/api/queues/big.spawn/spawn-0/flow');
    expect(flowRoot).toMatchObject({ id, queueName: 'big.gate' });
    const children = flowRoot.children.map(({ id, queueName }) => `${queueName} ${id}`);
    expect(children.toSorted()).toEqual(['big.prune prune-0', 'big.spawn spawn-0', 'big.spawn spawn-1']);
    expect((await fetch(new URL(`/queues/api/queues/main.gate/${id}`, server.url))).status).toBe(404);
  });

  it('shows why a request is held, in its progress and in the list', async () => {
    const main = openPool('main', redis.redis);
    const id = await submitEight(main);
    const reason =
      'needs 12.4 GB (8 × 1.55 GB, p95 of 40 samples); 61.0 GB available − 9.3 reserved − 12.0 growth − 31.5 floor = ' +
      '8.2 GB: 4.2 GB short. 2 leases end within 40 min';
    const since = new Date(Date.now() - 190_000).toISOString();
    const job = await main.queues.gate.getJob(id);
    await job?.updateProgress({ phase: 'held', reason, since, until: since });
    const { job: shown } = await get(`/queues/api/queues/main.gate/${id}`);
    expect(shown.progress).toMatchObject({
      stands: 'waiting 3 min: 4.2 GB short, 2 leases end within 40 min',
      phase: 'held',
      reason,
    });
    const { queues: listed } = await get('/queues/api/queues?activeQueue=main.gate&page=1&jobsPerPage=10');
    expect(listed[0]?.jobs[0]?.name).toBe(
      '8 × default, waiting 3 min: 4.2 GB short, 2 leases end within 40 min',
    );
  });

  it('shows a job that others put into the gate, whatever is in it', async () => {
    const { queues } = openPool('main', redis.redis);
    await queues.gate.add('strange', { not: 'ours' }, { jobId: 'req-strange' });
    expect((await get('/queues/api/queues/main.gate/req-strange')).job.name).toBe('strange');
  });

  it('takes nothing that lies beside the jobs for one, whatever its type', async () => {
    const { queues } = openPool('main', redis.redis);
    await submitEight(openPool('main', redis.redis));
    await queues.sample.upsertJobScheduler('beside', { every: 3_600_000 }, { name: 'sample' });
    const beside = ['main.gate/id', 'main.gate/wait', 'main.gate/meta', 'main.sample/repeat:beside'];
    for (const path of beside) {
      const response = await fetch(new URL(`/queues/api/queues/${path}`, server.url));
      expect([response.status, await response.json()], path).toEqual([
        404,
        { error: { key: 'ERRORS.JOB_NOT_FOUND' } },
      ]);
    }
    await queues.sample.removeJobScheduler('beside');
  });

  it('reads no more than 300 jobs of a state at once, whatever is asked for', async () => {
    const { queues } = openPool('big', redis.redis);
    const jobs = Array.from({ length: 301 }, () => ({ name: 'sample', data: {} }));
    await queues.sample.addBulk(jobs);
    const list = async (count: string) => {
      const asked = `activeQueue=big.sample&status=waiting&page=1&jobsPerPage=${count}`;
      return (await get(`/queues/api/queues?${asked}`)).queues.find(({ name }) => name === 'big.sample');
    };
    expect((await list('1000000'))?.jobs).toHaveLength(300);
    expect(await list('1000000')).toMatchObject({ pagination: { pageCount: 2 } });
    expect((await list('20'))?.jobs).toHaveLength(20);
  });

  it('changes nothing for whoever has not logged in, and says how to', async () => {
    for (const [method, path] of [
      ['PUT', '/queues/api/queues/pause'],
      ['POST', '/queues/api/queues/main.gate/add'],
    ] as const) {
      const response = await fetch(new URL(path, server.url), { method });
      expect([response.status, await response.text()]).toEqual([
        403,
        expect.stringContaining('`spica open`'),
      ]);
    }
    const other = await fetch(new URL('/metrics', server.url), { method: 'DELETE' });
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await openPool('main', redis.redis).queues.gate.isPaused()).toBe(false);
  });
});

it('stays up when Redis goes away after a tree was looked at, and says what is the matter', async () => {
  const redis = await startRedis();
  const server = await serve(redis.redis, [openPool('main', redis.redis)]);
  const id = await submitEight(openPool('main', redis.redis));
  const flow = new URL(`/queues/api/queues/main.gate/${id}/flow`, server.url);
  expect((await fetch(flow)).status).toBe(200);
  const failedToComeBack = new Promise((resolve) => redis.redis.once('error', resolve));
  process.kill(redis.pid, 'SIGKILL');
  await failedToComeBack;
  const response = await fetch(flow);
  expect(response.status).toBe(503);
  expect((await getJson(flow)).error).toMatch(/./);
  expect((await fetch(new URL('/queues', server.url))).status).toBe(200);
  await server.close();
  redis.redis.disconnect();
});
