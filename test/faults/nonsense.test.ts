import { readdir } from 'node:fs/promises';
import { instanceIdOf } from '@spica/core';
import type { GatePayload, PruneResult, SpawnPayload } from '@spica/queues';
import type { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../../packages/cli/test/stack.ts';
import { instancesOnDisk } from '../support/pool.ts';
import { aRequest } from '../support/stack.ts';

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
  const { reserved, instances } = cli.stack.ctx.gate.ledger.sums(Date.now());
  return {
    instances: await instancesOnDisk(pool()),
    listed: instances,
    reserved,
    staging: await readdir(pool().paths.staging),
    trash: await readdir(pool().paths.trash),
    records: (await readdir(pool().paths.records)).filter((name) => !name.endsWith('.tmp')), // drafts of samples
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
  const aSpawn = { pool: 'main', request: 'req-by-hand', index: 0 } satisfies SpawnPayload;
  const aGateJob = {
    request: aRequest('main'),
    submittedAt: 0,
    life: '01234567',
    step: 'decide',
    round: 0,
    heldAt: null,
    fingerprint: null,
    prepared: 0,
    preparation: null,
    admitted: null,
    failure: null,
  } satisfies GatePayload;

  it.each<[string, unknown, RegExp]>([
    ['nothing at all', {}, /^PAYLOAD_INVALID: gate job \d+: .*request: /],
    ['no object', 'rm -rf /', /^PAYLOAD_INVALID: gate job \d+: /],
    ['a count of -3', { request: { count: -3 } }, /request\.count: expected a whole number.*got -3/],
    [
      'a line break in a parameter',
      { ...aGateJob, request: { ...aRequest('main'), params: { A: '1\nB=2' } } },
      /^PARAM_INVALID: params\.A/,
    ],
    [
      'one that says of itself that it was let in',
      { ...aGateJob, step: 'spawn', round: 1 },
      /^NO_RESERVATION: .*nothing is reserved/,
    ],
  ])('a request that is %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.gate, 'request', data, message);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'an id of its own choice',
      { ...aSpawn, id: '../../etc' },
      /^PAYLOAD_INVALID: spawn job \d+: id: unknown key/,
    ],
    ['an index below 0', { ...aSpawn, index: -1 }, /^PAYLOAD_INVALID: .*index: .*-1/],
    ['another pool', { ...aSpawn, pool: 'other' }, /^PAYLOAD_INVALID: .*pool: expected "main", got "other"/],
    [
      'no request that the gate let in',
      aSpawn,
      /^NO_RESERVATION: .*nothing is reserved for instance 0 of request req-by-hand/,
    ],
  ])('a spawn job with %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.spawn, 'spawn', data, message);
  });

  it.each<[string, unknown, RegExp]>([
    ['no cause that there is', { pool: 'main', cause: 'whim' }, /^PAYLOAD_INVALID: prune job \d+: cause: /],
    [
      'an id that leads out of the pool',
      { pool: 'main', cause: 'restore', id: '../../etc' },
      /^PAYLOAD_INVALID: .*id: expected an instance id/,
    ],
    [
      'instances to undo that it names itself',
      { pool: 'main', cause: 'undo', request: 'r', count: 1, ids: ['spica-0123456789ab'], reason: 'r' },
      /^PAYLOAD_INVALID: prune job \d+: ids: unknown key/,
    ],
    ['nothing to undo', { pool: 'main', cause: 'undo', request: 'r', count: 0, reason: 'r' }, /count: /],
    [
      'a limit below 0',
      { pool: 'main', cause: 'operator', maxInstances: -1, maxAgeMs: null },
      /maxInstances: /,
    ],
  ])('a prune job with %s', async (_, data, message) => {
    await failsWith(cli.stack.queues.prune, 'prune', data, message);
  });

  it('an undo of a request that there never was touches nothing, and says so', async () => {
    const before = await state();
    const data = { pool: 'main', cause: 'undo', request: 'req-by-hand', count: 2, reason: 'by hand' };
    const { pruned, skipped } = await undo(data);
    expect(pruned).toEqual([]);
    const ids = [0, 1].map((index) => instanceIdOf('main', 'req-by-hand', index));
    expect(skipped).toEqual(ids.map((id) => ({ id, reason: 'it is gone already' })));
    expect(await state()).toEqual(before);
  });

  it('an undo of a request that has not failed keeps what it spawned, and says why', async () => {
    const before = await state();
    const [id = ''] = before.instances;
    const request = (await cli.stack.ctx.catalog.get(id))?.record.request;
    const { skipped } = await undo({ pool: 'main', cause: 'undo', request, count: 1, reason: 'by hand' });
    expect(skipped).toEqual([{ id, reason: `request ${request} has not failed` }]);
    expect(await state()).toEqual(before);
  });

  async function undo(data: unknown): Promise<PruneResult> {
    const { prune } = cli.stack.queues;
    const job = await prune.add('prune', data);
    await expect.poll(() => job.getState()).toBe('completed');
    return (await prune.getJob(job.id ?? ''))?.returnvalue;
  }

  it('a sample of what is no instance id', async () => {
    const { sample } = cli.stack.queues;
    await failsWith(sample, 'sample', { pool: 'main', ids: ['/'] }, /^PAYLOAD_INVALID: .*ids\.0: expected/);
  });
});
