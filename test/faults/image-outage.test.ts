import { createHash } from 'node:crypto';
import { statfsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { hashLeaseToken } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { unmountImage } from '@spica/pool';
import { execa } from 'execa';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { imageSite } from '../support/image.ts';
import { mountLoop } from '../support/mount.ts';
import { startLocal } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

const HOST_BYTES = 3e9;
const IMAGE_BYTES = 2e9;
/** Of the host's disk: the image may take less than it could hold. */
const FLOOR_BYTES = 1.4e9;
const GENERATIONS = 4;
const CANDIDATES = 8;
const TEMPLATE_BYTES = 5e6;
/** What a well-behaved candidate writes: less than what is reserved for any. */
const MODEST_BYTES = 20e6;
const TOKEN = 'c'.repeat(32);
const LEASE = { owner: 'tournament', tokenHash: hashLeaseToken(TOKEN), ms: 600_000 };
/** With all cores busy. */
const MOST_MS = 480_000;

let host: { readonly dir: string };
let stack: Stack;
beforeEach(async (context) => {
  const mounted = await mountLoop({ type: 'ext4', bytes: HOST_BYTES });
  if ('skipped' in mounted) return context.skip(mounted.skipped);
  onTestFinished(() => mounted.unmount());
  const site = await imageSite(mounted.dir);
  if ('skipped' in site) return context.skip(site.skipped);
  onTestFinished(() => site.close());
  await site.make({ bytes: IMAGE_BYTES });
  host = mounted;
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const template = await makeTemplate(join(site.dir, 'template'), { files: 5, bytes: TEMPLATE_BYTES / 5 });
  stack = await startStack({
    target: { url: server.url },
    root: site.root,
    templates: { default: template },
    settings: {
      'concurrency.spawn': 4,
      'gate.max_wait': '5m',
      'gate.poll_every': '1s',
      'pools.main.disk.min_free_space_gb': FLOOR_BYTES / 1e9,
      'pools.main.disk.cap': 'reservation',
      'pools.main.disk.prior_factor': 12,
      'pools.main.disk.check_every': '500ms',
      'pools.main.retention.max_instances': 40,
      'pools.main.retention.trash_ttl': '1s',
    },
  });
  onTestFinished(async () => {
    await stack.close();
    await unmountImage({ name: 'main', root: site.root }, { clock: systemClock });
  });
}, MOST_MS);

/** Looks at the host's disk every 10 ms; the least that was available. */
function watchHost(over: AbortSignal): Promise<number> {
  const watch = async () => {
    let least = Number.POSITIVE_INFINITY;
    while (!over.aborted) {
      const { bavail, bsize } = statfsSync(host.dir);
      least = Math.min(least, bavail * bsize);
      await setTimeout(10);
    }
    return least;
  };
  return watch();
}

interface Candidate {
  readonly id: string;
  /** What its writes were refused with; '' where none was. */
  readonly refused: string;
}

/** One candidate: is spawned, works, and is let go of. The greedy ones write until they are stopped. */
async function compete(generation: number, number: number): Promise<Candidate> {
  const { instances } = await stack.watcher.wait(await stack.submit({ lease: LEASE }));
  const [{ id, path } = { id: '', path: '' }] = instances;
  const isModest = number === generation;
  const refused = isModest ? await writeModestly(path) : await writeUntilRefused(path);
  await stack.ctx.catalog.releaseLease(id, { token: TOKEN, now: Date.now(), discard: true });
  return { id, refused };
}

async function writeUntilRefused(dir: string): Promise<string> {
  const args = ['if=/dev/urandom', `of=${join(dir, 'written')}`, 'bs=256K', 'conv=fsync'];
  const { stderr } = await execa('dd', args, { env: { LC_ALL: 'C' }, reject: false });
  return /: ([A-Z][a-z ]+)$/m.exec(stderr)?.[1] ?? '';
}

/** In pieces, each on the disk before the next; then reads it all again. */
async function writeModestly(dir: string): Promise<string> {
  const piece = Buffer.alloc(MODEST_BYTES / 20, 'modest');
  const [written, read] = [createHash('sha256'), createHash('sha256')];
  const file = await open(join(dir, 'result'), 'w+');
  try {
    for (let i = 0; i < 20; i += 1) {
      await file.write(piece);
      await file.datasync();
      written.update(piece);
      await setTimeout(20);
    }
    for await (const chunk of file.createReadStream({ start: 0, autoClose: false })) read.update(chunk);
    return read.digest('hex') === written.digest('hex') ? '' : 'read something else than was written';
  } catch (error) {
    return String(error);
  } finally {
    await file.close();
  }
}

it('the outage, in an image: 8 candidates × 4 generations that write until they are stopped fill no disk', {
  timeout: MOST_MS,
}, async () => {
  const over = new AbortController();
  const watching = watchHost(over.signal);
  const greedy: Candidate[] = [];
  const modest: Candidate[] = [];
  for (let generation = 0; generation < GENERATIONS; generation += 1) {
    const all = await Promise.all(
      Array.from({ length: CANDIDATES }, (_, number) => compete(generation, number)),
    );
    for (const [number, candidate] of all.entries())
      (number === generation ? modest : greedy).push(candidate);
  }
  over.abort();
  const least = await watching;
  expect(least).toBeGreaterThanOrEqual(FLOOR_BYTES);
  expect(modest.map(({ refused }) => refused)).toEqual(modest.map(() => ''));
  expect(greedy.map(({ refused }) => refused)).toEqual(greedy.map(() => 'Disk quota exceeded'));
  const stopped = async () => {
    const lines = await readAudit(stack.ctx.audit.path);
    const atCap = lines.filter(({ action, outcome }) => action === 'oversize' && outcome === 'at its cap');
    return new Map(atCap.map(({ instance, reason }) => [instance, reason]));
  };
  await expect.poll(async () => (await stopped()).size).toBe(greedy.length);
  for (const [id, reason] of await stopped()) {
    expect(greedy.map((each) => each.id)).toContain(id);
    expect(reason).toMatch(/^[\d.]+ MB, its cap is [\d.]+ MB: the kernel refuses what it writes$/);
  }
  expect(stack.ctx.gate.line.inOrder()).toEqual([]);
  console.info(
    `least free on the host ${(least / 1e6).toFixed(0)} MB of ${FLOOR_BYTES / 1e6} that are the floor`,
  );
});
