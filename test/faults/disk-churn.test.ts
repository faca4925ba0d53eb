import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hashLeaseToken } from '@spica/catalog';
import { SpicaError } from '@spica/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { type Mount, mountTmpfs } from '../support/mount.ts';
import { startLocal } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';
import { runForeignWriter } from './disk/foreign-writer.ts';
import { growInstance, type RunnerEnd } from './disk/runner.ts';

const CHURN_MS = process.env['SPICA_LONG_TESTS'] === '1' ? 120_000 : 25_000;
/** Some thirty requests wait when it ends; with all cores busy, each takes seconds. */
const DRAIN_MS = 240_000;
const RUNNERS = 30;
const DISK_BYTES = 256e6;
/** Critical below half of it. */
const FLOOR_BYTES = 96e6;
const TEMPLATE_BYTES = 1_500_000;
/** A prior of three templates: what an instance adds, and a little for its own files. */
const GROWTH_BYTES = 2_700_000;
/** Clones that may land, and begin to grow, between a look of the foreign writer and its next step. */
const ON_THEIR_WAY_BYTES = 4 * 5_000_000;
const TOKEN = 'c'.repeat(32);
const LEASE = { owner: 'runner', tokenHash: hashLeaseToken(TOKEN), ms: 60_000 };
/** How long a request waits for room while others fill the disk under it. None of them may end otherwise. */
const MAX_WAIT_MS = 15_000;
const ENDS_FOR_WANT_OF_ROOM = ['MAX_WAIT_EXCEEDED'];

let disk: Mount;
let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeEach(async (context) => {
  disk = await mountTmpfs({ bytes: DISK_BYTES });
  if ('skipped' in disk) return context.skip(disk.skipped);
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-churn-'));
  const template = await makeTemplate(join(dir, 'template'), { files: 3, bytes: TEMPLATE_BYTES / 3 });
  await mkdir(join(disk.dir, 'foreign'));
  stack = await startStack({
    target: { url: server.url },
    root: join(disk.dir, 'pool'),
    templates: { default: template },
    settings: {
      'gate.poll_every': '1s',
      'gate.breaker.cooldown': '1s',
      'sample.every': '2s',
      'pools.main.disk.min_free_space_gb': FLOOR_BYTES / 1e9,
      'pools.main.disk.check_every': '500ms',
      'pools.main.disk.ballast_mb': 8,
      'pools.main.disk.prior_factor': 3,
      'pools.main.retention.max_instances': 40,
    },
  });
});
afterEach(async () => {
  if ('skipped' in disk) return;
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

it('on a disk that others fill and free, no runner meets a full disk, every request ends, and the levels come and go', {
  timeout: CHURN_MS + 2 * DRAIN_MS,
}, async () => {
  if ('skipped' in disk) return;
  const { ctx } = stack;
  const random = seeded(20_261_124);
  const over = new AbortController();
  const ended: End[] = [];
  const runners = Array.from({ length: RUNNERS }, () => run(ended, over.signal, random));
  // It leaves what the reservations of the instances that are there, and nothing for any that are not.
  const leaves = async () => ctx.gate.ledger.sums(Date.now()).growth.bytes + ON_THEIR_WAY_BYTES;
  const foreign = runForeignWriter(
    { dir: join(disk.dir, 'foreign'), random, leaves, isDone: wasCritical },
    over.signal,
  );
  await setTimeout(CHURN_MS);
  const done = () => ended.filter(({ code }) => code === null).length;
  await expect.poll(done).toBeGreaterThan(RUNNERS / 2); // a slow machine goes on for longer
  over.abort();
  await Promise.all(runners);
  const { fills } = await foreign;

  expect(ended.flatMap(({ writes }) => writes.filter(({ refused }) => refused !== null))).toEqual([]);
  const codes = ended.map(({ code }) => code);
  expect(codes.filter((code) => code !== null && !ENDS_FOR_WANT_OF_ROOM.includes(code))).toEqual([]);
  await expectEmptyHands();
  await expectLevelsCameAndWent();
  console.info(`${fills} fills; ${done()} of ${codes.length} requests done, the rest ended for want of room`);
});

interface End {
  /** Why the request failed; null when it did not. */
  readonly code: string | null;
  readonly writes: readonly RunnerEnd[];
}

/** One client: asks for two instances, has them grow to what was reserved, lets go of them, and asks again; notes each end. */
async function run(ended: End[], over: AbortSignal, random: () => number): Promise<void> {
  do {
    ended.push(await spawnAndGrow(random));
  } while (!over.aborted);
}

async function spawnAndGrow(random: () => number): Promise<End> {
  const { ctx, watcher } = stack;
  try {
    const { instances } = await watcher.wait(
      await stack.submit({ count: 2, lease: LEASE, maxWaitMs: MAX_WAIT_MS }),
    );
    const ms = 300 + 900 * random();
    const writes = await Promise.all(
      instances.map(({ path }) => growInstance(path, { bytes: GROWTH_BYTES, ms })),
    );
    for (const { id } of instances)
      await ctx.catalog.releaseLease(id, { token: TOKEN, now: Date.now(), discard: true });
    return { code: null, writes };
  } catch (error) {
    if (!(error instanceof SpicaError)) throw error;
    return { code: error.code, writes: [] };
  }
}

async function expectEmptyHands(): Promise<void> {
  const { ctx } = stack;
  expect(await readdir(ctx.pool.paths.staging)).toEqual([]);
  expect(ctx.gate.line.inOrder()).toEqual([]);
  expect(ctx.gate.ledger.requests).toEqual([]);
  expect(ctx.gate.ledger.sums(Date.now()).reserved).toEqual({ bytes: 0, inodes: 0, slots: 0 });
}

/** What the audit log says of levels. */
async function levelsLogged() {
  return (await readAudit(stack.ctx.audit.path)).filter(({ action }) => action === 'pressure');
}

async function wasCritical(): Promise<boolean> {
  return (await levelsLogged()).some(({ outcome }) => outcome.endsWith('→ critical'));
}

async function expectLevelsCameAndWent(): Promise<void> {
  await expect
    .poll(async () => (await levelsLogged()).at(-1)?.outcome, { timeout: 120_000 })
    .not.toMatch(/critical$/);
  const outcomes = (await levelsLogged()).map(({ outcome }) => outcome);
  const entered = outcomes.filter((outcome) => outcome.endsWith('→ critical')).length;
  expect(entered).toBeGreaterThan(0);
  expect(outcomes.filter((outcome) => outcome.startsWith('critical →'))).toHaveLength(entered);
  expect(await stack.queues.spawn.isPaused()).toBe(false);
}

/** The same row of numbers from 0 to 1 for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
