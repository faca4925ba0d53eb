import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceRecord } from '@spica/core';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { createLookout } from '../../packages/workers/src/gatekeeper/look.ts';
import { decide } from '../../packages/workers/src/gatekeeper/preflight.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { makeTemplate } from '../../test/support/template.ts';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';

/**
 * One decision of the gate with 10, 1,000 and 100,000 live instances, all of them still growing: ledger, profile, sum
 * and promise. And an idle pass of the sampler over them when none is due. Options: --live N[,N…], --rounds.
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
      await stack.spawn(); // prepares the template
      let there = 1;
      for (const live of values.live.split(',').map(Number)) {
        await addLive(stack, there, live);
        there = Math.max(there, live);
        await report(stack, live, Number(values.rounds));
      }
    } finally {
      await stack.close();
    }
  } finally {
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function report(stack: Stack, live: number, rounds: number): Promise<void> {
  const asked = { count: 1, experiment: null, replicas: null };
  const { catalog, clock, templates } = stack.ctx;
  const snapshot = await templates.current('default');
  if (!snapshot) throw new Error('the template is not prepared');
  const lookout = createLookout(stack.ctx); // as the gate has it: one look at the disk serves 100 ms of decisions
  const decisions: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const request = `round-${live}-${round}`;
    decisions.push(
      await time(async () => {
        const { decision, look } = await decide(stack.ctx, snapshot, asked, await lookout.look(false));
        const { perInstance } = decision.parts;
        const reservation = { request, fingerprint: 'bench', perInstance, count: 1, at: clock.now() };
        const outcome = await catalog.reserve(reservation, decision.bounds, look.settled);
        if (!outcome.reserved) throw new Error(`not admitted: ${decision.sentence}`);
      }),
    );
    await catalog.giveBack(request);
  }
  const idle: number[] = [];
  for (let round = 0; round < 10; round += 1)
    idle.push(await time(() => stack.ctx.catalog.listDue(0, 5_000)));
  const p95 = decisions.toSorted((a, b) => a - b)[Math.ceil(0.95 * decisions.length) - 1] ?? Number.NaN;
  console.log(
    `${String(live).padStart(7)} live: one decision ${median(decisions).toFixed(2)} ms (p95 ${p95.toFixed(2)}), ` +
      `to reach 5; an idle pass of the sampler ${median(idle).toFixed(2)} ms, to reach 200`,
  );
}

/** Puts instances into the catalog as a spawn does: promised, then committed, each expected to grow. */
async function addLive(stack: Stack, from: number, to: number): Promise<void> {
  const { catalog, clock } = stack.ctx;
  if (to <= from) return;
  const request = `bench-${to}`;
  const perInstance = { bytes: 1_000, inodes: 1 };
  const seen = { bytes: 0, inodes: 0 };
  const bounds = { bytes: Number.MAX_SAFE_INTEGER, inodes: null, slots: Number.MAX_SAFE_INTEGER };
  const at = clock.now();
  await catalog.reserve({ request, fingerprint: 'bench', perInstance, count: to - from, at }, bounds, seen);
  const growth = { bytes: 10, inodes: 0, endsAt: at + 86_400_000 };
  for (let next = from; next < to; next += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, to - next) }, (_, i) => recordOf(next + i, at));
    await Promise.all(batch.map((record) => catalog.commit(request, record, growth)));
  }
  await catalog.settle(request);
}

function recordOf(number: number, at: number): InstanceRecord {
  return {
    schema: 'spica.record/v1',
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
    parent: null,
    generation: 0,
    experiment: null,
    labels: {},
    spawnedAt: at,
    sample: null,
    lease: null,
    lastLeasedAt: null,
    pin: null,
    ttlMs: null,
    score: null,
    oversize: null,
  };
}
