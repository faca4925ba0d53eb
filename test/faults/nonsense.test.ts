import { readdir } from 'node:fs/promises';
import { instanceIdOf } from '@spica/core';
import type { SpawnPayload } from '@spica/queues';
import type { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../../packages/cli/test/stack.ts';
import { instancesOnDisk } from '../support/pool.ts';

let cli: CliStack;
beforeAll(async () => {
  cli = await startCliStack();
  await cli.stack.spawn(); // one that there is, so that nonsense could harm it
});
afterAll(() => cli.close());

const pool = () => cli.stack.ctx.pool;
const requests = () => cli.stack.queues.gate.getJobCountByTypes('completed', 'failed', 'waiting', 'active');

/** All that there is of a pool: what nonsense must not change. */
async function state() {
  const { catalog } = cli.stack.ctx;
  const { reserved, instances } = await catalog.ledger(Date.now());
  return {
    instances: await instancesOnDisk(pool()),
    listed: instances,
    reserved,
    staging: await readdir(pool().paths.staging),
    trash: await readdir(pool().paths.trash),
    records: await readdir(pool().paths.records),
  };
}

describe('nonsense on the command line is refused in one line, with exit code 2, before anything is done', () => {
  const cases: [string[], RegExp][] = [
    [['--set', '1A=x'], /params: expected a name of letters.*got "1A"$/],
    [['--set', 'A B=x'], /params: expected a name of letters.*got "A B"$/],
    [['--set', 'A-B=x'], /params: expected a name of letters.*got "A-B"$/],
    [['--set', 'PATH\nX=x'], /params: expected a name of letters/],
    [['--set', 'A=1\nB=2'], /params\.A: expected a value without line breaks, got "1\\nB=2"$/],
    [['--set', 'A=1\rB=2'], /params\.A: expected a value without line breaks/],
    [['--set', `A=${'x'.repeat(10_000_000)}`], /params\.A: expected at most 10000 characters/],
    [['--set', `${'N'.repeat(10_000_000)}=1`], /params: expected a name of at most 200 characters/],
    [['--label', `a=${'x'.repeat(10_000_000)}`], /labels\.a: /],
    [['--notes', 'x'.repeat(10_000_000)], /notes: /],
    [['--experiment', ''], /experiment: /],
    [['-n', '0'], /-n: expected a whole number from 1 to 10000, got "0"$/],
    [['-n', '1e9'], /-n: expected a whole number from 1 to 10000, got "1e9"$/],
    [['--template', 'nope'], /--template: .*got "nope"$|no template "nope"/],
    [['--parent', '../../etc'], /--parent: expected an instance id/],
    [['--max-wait', 'soon'], /--max-wait: expected a duration/],
    [['--nonsense'], /unknown option '--nonsense'/],
  ];
  const named = cases.map(([flags, message]) => [flags.join(' ').slice(0, 40), flags, message] as const);

  it.each(named)('spica spawn %s', async (_, flags, message) => {
    const [before, submitted] = [await state(), await requests()];
    const { exitCode, stdout, stderr } = await cli.spica('spawn', ...flags);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).toMatch(/^error: [^\n]{1,600}\n$/);
    expect(await requests()).toBe(submitted);
    expect(await state()).toEqual(before);
  });
});

describe('a job that somebody put into a queue by hand fails with a clear error, and nothing is half done', () => {
  const failsWith = async (queue: Queue, name: string, data: unknown, message: RegExp) => {
    const before = await state();
    const job = await queue.add(name, data);
    await expect.poll(() => job.getState()).toBe('failed');
    expect((await queue.getJob(job.id ?? ''))?.failedReason).toMatch(message);
    expect(await state()).toEqual(before);
  };
  const aSpawn = (fields: Partial<SpawnPayload> = {}): SpawnPayload => ({
    pool: 'main',
    request: 'req-by-hand',
    index: 0,
    id: instanceIdOf('main', 'req-by-hand', 0),
    fingerprint: 'f',
    generation: 0,
    template: 'default',
    params: {},
    parent: null,
    experiment: null,
    labels: {},
    notes: '',
    lease: null,
    ttlMs: null,
    predicted: { bytes: 0, inodes: 0 },
    expected: { bytes: 0, inodes: 0 },
    replicaCount: 0,
    ...fields,
  });

  it.each<[string, unknown, RegExp]>([
    ['nothing at all', {}, /^PAYLOAD_INVALID: gate job \d+: .*request: /],
    ['no object', 'rm -rf /', /^PAYLOAD_INVALID: gate job \d+: /],
    ['a count of -3', { request: { count: -3 } }, /request\.count: expected a whole number.*got -3/],
  ])('a request that is %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.gate, 'request', data, message);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'an id that leads out of the pool',
      () => aSpawn({ id: '../../etc' }),
      /^PAYLOAD_INVALID: .*id: expected an instance id/,
    ],
    [
      'an id of another request',
      () => aSpawn({ index: 1 }),
      /^PAYLOAD_INVALID: .*expected pool main and id spica-/,
    ],
    ['another pool', () => aSpawn({ pool: 'other' }), /^PAYLOAD_INVALID: .*expected pool main/],
    ['a line break in a parameter', () => aSpawn({ params: { A: '1\nB=2' } }), /^PARAM_INVALID: params\.A/],
    [
      'no request that the gate let in',
      () => aSpawn(),
      /^NO_RESERVATION: .*req-by-hand holds no reservation/,
    ],
  ])('a spawn job with %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.spawn, 'spawn', data(), message);
  });

  it.each<[string, unknown, RegExp]>([
    ['no cause that there is', { pool: 'main', cause: 'whim' }, /^PAYLOAD_INVALID: prune job \d+: cause: /],
    [
      'an id that leads out of the pool',
      { pool: 'main', cause: 'undo', request: 'r', ids: ['../../etc'], reason: 'r' },
      /^PAYLOAD_INVALID: .*ids\.0: expected an instance id/,
    ],
    [
      'a limit below 0',
      { pool: 'main', cause: 'operator', maxInstances: -1, maxAgeMs: null },
      /maxInstances: /,
    ],
  ])('a prune job with %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.prune, 'prune', data, message);
  });

  it("an undo with an instance that is not its request's", async () => {
    const { prune } = cli.stack.queues;
    const ids = await instancesOnDisk(pool());
    const data = { pool: 'main', cause: 'undo', request: 'req-by-hand', ids, reason: 'by hand' };
    await failsWith(prune, 'prune', data, /^PAYLOAD_INVALID: .*ids\.0: expected spica-.* of req-by-hand/);
  });

  it('an undo of a request that has not failed keeps what it spawned, and says why', async () => {
    const before = await state();
    const [id = ''] = before.instances;
    const request = (await cli.stack.ctx.catalog.get(id))?.record.request;
    const data = { pool: 'main', cause: 'undo', request, ids: [id], reason: 'by hand' };
    const job = await cli.stack.queues.prune.add('prune', data);
    await expect.poll(() => job.getState()).toBe('completed');
    const ended = await cli.stack.queues.prune.getJob(job.id ?? '');
    expect(ended?.returnvalue.skipped).toEqual([{ id, reason: `request ${request} has not failed` }]);
    expect(await state()).toEqual(before);
  });

  it('a sample of what is no instance id', async () => {
    const { sample } = cli.stack.queues;
    await failsWith(sample, 'sample', { pool: 'main', ids: ['/'] }, /^PAYLOAD_INVALID: .*ids\.0: expected/);
  });
});
