import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { CheckError, formatDuration, RefusedError, systemClock } from '@spica/core';
import { type Processor, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { toJobError } from '../src/failure.ts';
import { prefixOf } from '../src/names.ts';
import { closeQueues, openQueues, type PoolQueues } from '../src/open.ts';
import type { RequestProgress } from '../src/progress.ts';
import { submitRequest } from '../src/submit.ts';
import { type RequestWatcher, watchRequests } from '../src/wait.ts';
import { aRequest } from './request.ts';

const RESULT = { instances: [{ id: 'spica-0123456789ab', path: '/pool/spica-0123456789ab' }] };
const LONG = { timeoutMs: 2 ** 31 };

describeOnRedis('waiting for a request', (server) => {
  let redis: Redis;
  let queues: PoolQueues;
  let watcher: RequestWatcher;
  let workers: Worker[];
  const submit = () => submitRequest(queues, aRequest(), { key: null, clock: systemClock });
  const work = (processor: Processor | null) => {
    const connection = { url: server.url, maxRetriesPerRequest: null };
    const worker = new Worker('gate', processor, {
      connection,
      prefix: prefixOf('main'),
      autorun: processor !== null,
    });
    workers.push(worker);
    return worker;
  };

  /** The commands that are sent on the connection that requests are read over; it says when one is answered. */
  async function commandsOf(act: () => Promise<void>): Promise<string[]> {
    const names: string[] = [];
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, stream) => {
      names.push(command.name);
      const sent = send(command, stream);
      command.promise.then(
        () => redis.emit('answered'),
        () => undefined,
      );
      return sent;
    };
    await act();
    redis.sendCommand = send;
    return names;
  }

  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url, { maxRetriesPerRequest: 1 });
    queues = openQueues('main', redis);
    workers = [];
    watcher = await watchRequests(queues, redis);
    return async () => {
      await watcher.close();
      await Promise.all(workers.map((worker) => worker.close(true)));
      await closeQueues(queues);
      redis.disconnect();
    };
  });

  it('ends with its result, for each of many that wait for many', async () => {
    work(async (job) => ({ ...RESULT, of: job.id }));
    const ids = await Promise.all(Array.from({ length: 20 }, submit));
    const results = await Promise.all([...ids, ...ids].map((id) => watcher.wait(id)));
    expect(results).toEqual([...ids, ...ids].map((id) => ({ ...RESULT, of: id })));
  });

  it('ends with what the event of its end says: it reads the request once at the start, and no more', async () => {
    const first = await submit();
    const worker = work(null);
    const job = await worker.getNextJob('token');
    const commands = await commandsOf(async () => {
      const waiting = watcher.wait(first);
      await once(redis, 'answered');
      await job?.moveToCompleted(RESULT, 'token', false);
      expect(await waiting).toEqual(RESULT);
    });
    expect(commands).toEqual(['hgetall']);
  });

  it('reads a request that failed once more, for whether the gate said no', async () => {
    const id = await submit();
    const job = await work(null).getNextJob('token');
    const commands = await commandsOf(async () => {
      const waiting = watcher.wait(id);
      waiting.catch(() => undefined); // awaited below
      await once(redis, 'answered');
      await job?.moveToFailed(toJobError(new CheckError('NO_SPACE', 'full')), 'token', false);
      await expect(waiting).rejects.toMatchObject({ kind: 'check', code: 'NO_SPACE', message: 'full' });
    });
    expect(commands).toEqual(['hgetall', 'hgetall']);
  });

  it('ends at once when the request has failed before', async () => {
    work(async () => {
      throw toJobError(new CheckError('NO_SPACE', 'the disk is full'));
    });
    const id = await submit();
    const failed = { kind: 'check', code: 'NO_SPACE', message: 'the disk is full' };
    await expect(watcher.wait(id)).rejects.toMatchObject(failed);
    const late = await watchRequests(queues, redis);
    await expect(late.wait(id, LONG)).rejects.toMatchObject(failed);
    await late.close();
  });

  it('ends at once when the request has ended before', async () => {
    work(async () => RESULT);
    const id = await submit();
    await watcher.wait(id);
    const late = await watchRequests(queues, redis);
    expect(await late.wait(id, LONG)).toEqual(RESULT);
    await late.close();
  });

  it('rejects with what the request failed with', async () => {
    work(async () => {
      throw toJobError(new CheckError('NO_SPACE', 'the disk is full'));
    });
    await expect(watcher.wait(await submit())).rejects.toMatchObject({
      kind: 'check',
      code: 'NO_SPACE',
      message: 'the disk is full',
    });
  });

  it('rejects with a refusal when the gate said no', async () => {
    work(async (job) => {
      await job.updateProgress({ phase: 'rejected', reason: 'too large', code: 'NEVER_FITS' });
      throw toJobError(new RefusedError('NEVER_FITS', 'too large'));
    });
    await expect(watcher.wait(await submit())).rejects.toMatchObject({ kind: 'refused', code: 'NEVER_FITS' });
  });

  it('says that it knows no such request', async () => {
    await expect(watcher.wait('req-000000000000')).rejects.toMatchObject({
      code: 'REQUEST_UNKNOWN',
      message: 'request: no request req-000000000000 is known (any more)',
    });
  });

  it('reports the progress of this request and of no other', async () => {
    const seen: RequestProgress[] = [];
    const [mine, other] = [await submit(), await submit()];
    const waiting = [
      watcher.wait(mine, { ...LONG, onProgress: (progress) => seen.push(progress) }),
      watcher.wait(other),
    ];
    work(async (job) => {
      await job.updateProgress({ phase: 'spawning', reason: `of ${job.id}` });
      return RESULT;
    });
    await Promise.all(waiting);
    expect(seen).toEqual([{ phase: 'spawning', reason: `of ${mine}` }]);
  });

  it('stops after its timeout, however short, while the request goes on', async () => {
    const id = await submit();
    for (const timeoutMs of [0, 20]) {
      await expect(watcher.wait(id, { timeoutMs })).rejects.toMatchObject({
        kind: 'timeout',
        code: 'WAIT_TIMED_OUT',
        message: `request ${id} has not ended after ${formatDuration(timeoutMs)}; it goes on`,
      });
    }
    expect(await queues.gate.getJobState(id)).toBe('waiting');
    work(async () => RESULT);
    expect(await watcher.wait(id)).toEqual(RESULT);
  });

  it('stops when it is asked to, also when it was asked before it began', async () => {
    const id = await submit();
    const controller = new AbortController();
    const waiting = watcher.wait(id, { ...LONG, signal: controller.signal });
    await setImmediate();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(watcher.wait(id, { ...LONG, signal: controller.signal })).rejects.toThrow('enough');
  });

  it('misses no end that came while its connection was away', async () => {
    const id = await submit();
    const job = await work(null).getNextJob('token');
    await watcher.close();
    watcher = await watchRequests(queues, redis); // one that has seen no event yet
    const waiting = watcher.wait(id);
    // Its name is sent when it is ready already, so that the list may lack it for a moment.
    const eventsClient = async () => /^id=(\d+).*:qe /m.exec(String(await redis.client('LIST')))?.[1];
    await expect.poll(eventsClient).toBeDefined();
    await redis.client('KILL', 'ID', Number(await eventsClient())); // it comes back after 50 ms
    await job?.moveToCompleted(RESULT, 'token', false);
    expect(await waiting).toEqual(RESULT);
  });
});
