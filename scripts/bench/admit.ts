import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InstanceRecord, newRecord, step } from '@spica/core';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { countInstance } from '../../packages/workers/src/gate/load.ts';
import { gatherFacts, requestOf } from '../../packages/workers/src/gatekeeper/facts.ts';
import type { GateJob } from '../../packages/workers/src/gatekeeper/gate-job.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { makeTemplate } from '../../test/support/template.ts';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';

/**
 * One decision of the gate with 10, 1,000 and 100,000 live instances, all of them still growing: the facts gathered, the
 * ledger's sums, the step and the reservation; and the same without the gathering. And an idle pass of the sampler over
 * the instances when none is due. Options: --live N[,N…], --rounds.
 */
export async function run(args: string[]): Promise<void> {
  const values = readFlags('bench admit', {
    args,
    options: {
      live: { type: 'string', default: '10,1000,100000' },
      rounds: { type: 'string', default: '200' },
    },
  });
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-admit-'));
  const logger = createLogger({ level: 'warn', pretty: true });
  const redis = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  try {
    const template = await makeTemplate(join(dir, 'template'));
    const settings = {
      'pools.main.retention.max_instances': 1_000_000,
      'pools.main.retention.prune_on_spawn': false,
      'sample.every': '24h',
      'prune.every': '24h',
    };
    const stack = await startStack({ target: redis.target, templates: { default: template }, settings });
    try {
      const gateJob = await takeGateJob(stack);
      let there = 1;
      for (const live of values.live.split(',').map(Number)) {
        await addLive(stack, there, live);
        there = Math.max(there, live);
        await report(stack, gateJob, live, Number(values.rounds));
      }
    } finally {
      await stack.close();
    }
  } finally {
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

/** A request's job as the gatekeeper has it; its template is prepared. */
async function takeGateJob({ ctx, queues, submit, watcher }: Stack): Promise<GateJob> {
  const id = await submit();
  await watcher.wait(id);
  const job = await queues.gate.getJob(id);
  if (!job) throw new Error(`the job of request ${id} is gone`);
  const state = { ...job.data, step: 'decide', admitted: null };
  return { ctx, job, token: '', id, logger: ctx.logger, state };
}

async function report(stack: Stack, gateJob: GateJob, live: number, rounds: number): Promise<void> {
  const whole: number[] = [];
  const pure: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    let facts = await gatherFacts(gateJob, null);
    pure.push(await time(async () => admitOnce(gateJob, facts)));
    const decideAll = async () => {
      facts = await gatherFacts(gateJob, null);
      admitOnce(gateJob, facts);
    };
    whole.push(await time(decideAll));
  }
  const idle: number[] = [];
  for (let round = 0; round < 10; round += 1)
    idle.push(await time(() => stack.ctx.catalog.listDue(0, 5_000)));
  console.log(
    `${String(live).padStart(7)} live: one decision ${spread(whole, 2)}, to reach 5; ` +
      `of it ledger and step ${spread(pure, 3)}; ` +
      `an idle pass of the sampler ${median(idle).toFixed(2)} ms, to reach 200`,
  );
}

/** The sums, the step, and the reservation, which is given back at once. */
function admitOnce(gateJob: GateJob, { facts }: Awaited<ReturnType<typeof gatherFacts>>): void {
  const { ledger } = gateJob.ctx.gate;
  const found = step(requestOf(gateJob), { ...facts, relief: null }, ledger.sums(facts.now));
  if (found.do !== 'admit') throw new Error(`not admitted: ${found.reason}`);
  ledger.reserve(gateJob.id, found.decision.parts.perInstance, 1);
  ledger.giveBack(gateJob.id);
}

function spread(times: readonly number[], digits: number): string {
  const p95 = times.toSorted((a, b) => a - b)[Math.ceil(0.95 * times.length) - 1] ?? Number.NaN;
  return `${median(times).toFixed(digits)} ms (p95 ${p95.toFixed(digits)})`;
}

/** Puts instances into the catalog and the ledger, each expected to grow. */
async function addLive({ ctx }: Stack, from: number, to: number): Promise<void> {
  const at = ctx.clock.now();
  for (let next = from; next < to; next += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, to - next) }, (_, i) => recordOf(next + i, at));
    await Promise.all(batch.map((record) => ctx.catalog.adopt(record)));
    for (const record of batch) countInstance(ctx, { record });
  }
}

function recordOf(number: number, at: number): InstanceRecord {
  return newRecord({
    id: `spica-b${String(number).padStart(11, '0')}`,
    pool: 'main',
    request: 'bench',
    index: number,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: 'bench',
    cloneMethod: 'copy',
    clonedAt: at,
    cloned: { bytes: 990, inodes: 1 },
    predicted: { bytes: 1_000, inodes: 1 },
    expected: { bytes: 1_000, inodes: 1 },
    replicas: 0,
    by: null,
    parent: null,
    generation: 0,
    experiment: null,
    labels: {},
    spawnedAt: at,
    ttlMs: null,
    collect: [],
  });
}
