import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { lockDeletion } from '@spica/pool';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Line } from '../../src/gate/line.ts';
import type { ServedContext } from '../../src/index.ts';
import { startUpkeep } from '../../src/runtime/upkeep.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-upkeep-'));
  const template = await makeTemplate(join(dir, 'template'));
  const settings = { shutdown_timeout: '6s' }; // the last test leaves jobs of a Redis that was away
  stack = await startStack({ target: { url: server.url }, templates: { default: template }, settings });
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

type Listener = Parameters<ServedContext['catalog']['onChange']>[0];

/** The upkeep of the stack's pool beside its own: what it does is counted, and the test tells it of changes. */
async function start(catalog: Partial<ServedContext['catalog']> = {}) {
  const { ctx } = stack;
  const done = { wakes: 0, sweeps: 0 };
  const broughtBack: string[] = [];
  const { line } = ctx.gate;
  const counted: Pick<Line, 'wake' | 'bringBack' | 'inOrder' | 'leave'> = {
    inOrder: () => line.inOrder(),
    leave: (request) => line.leave(request),
    wake: async () => {
      done.wakes += 1;
      await duringWake();
    },
    bringBack: async (request) => {
      broughtBack.push(request);
    },
  };
  let tell: Listener = () => undefined;
  let duringWake: () => Promise<void> = async () => undefined;
  const upkeep = await startUpkeep({
    ...ctx,
    catalog: {
      ...ctx.catalog,
      ...catalog,
      onChange: async (listener) => {
        tell = listener;
        return async () => undefined;
      },
    },
    templates: {
      ...ctx.templates,
      sweep: async () => {
        done.sweeps += 1;
        return [];
      },
    },
    gate: Object.create(ctx.gate, { line: { value: counted } }),
  });
  await expect.poll(() => done.sweeps, POLL).toBe(1); // its first look has ended
  return {
    upkeep,
    done,
    broughtBack,
    change: (kind = 'release', of = 'spica-0123456789ab') => tell({ kind, of }),
    /** Has the next waking take as long as the work. */
    hold: (work: () => Promise<void>) => {
      duringWake = work;
    },
  };
}

it('looks once more, and no oftener, after however many changes come while it looks at one', async () => {
  const { upkeep, done, change, hold } = await start();
  const going = Promise.withResolvers<void>();
  hold(() => going.promise);
  change();
  await expect.poll(() => done.wakes, POLL).toBe(1);
  for (let i = 0; i < 2_000; i += 1) change();
  going.resolve();
  await expect.poll(() => done.wakes, POLL).toBe(2);
  change();
  await expect.poll(() => done.wakes, POLL).toBe(3);
  await upkeep.close();
  expect(done.wakes).toBe(3);
});

it('wakes held requests, and looks after trash and templates, though nothing can be mirrored to the disk', async () => {
  const takeDirty = () => Promise.reject(new Error('ENOSPC'));
  const { upkeep, done, change } = await start({ takeDirty });
  expect(done.sweeps).toBe(1);
  change();
  await expect.poll(() => done.wakes, POLL).toBe(1);
  await upkeep.close();
});

it('wakes nobody for a lease or a pin, which free nothing, and brings back the one request that was cancelled', async () => {
  const mirrored = Promise.withResolvers<void>();
  const readNotes = (most: number) => {
    if (isAsked) mirrored.resolve();
    return stack.ctx.catalog.readNotes(most);
  };
  let isAsked = false;
  const { upkeep, done, broughtBack, change } = await start({ readNotes });
  isAsked = true;
  for (const kind of ['lease', 'pin', 'note']) change(kind);
  change('cancel', 'req-1');
  await mirrored.promise;
  await upkeep.close(); // ends what was begun
  expect([done.wakes, broughtBack]).toEqual([0, ['req-1']]);
  expect(stack.ctx.gate.cancelled.has('req-1')).toBe(true);
});

it('rebuilds a catalog that Redis has lost as soon as nobody else deletes in the pool', async () => {
  const { id = '' } = (await stack.spawn()).instances[0] ?? {};
  const { pool, catalog } = stack.ctx;
  // What the pool was given to do at its start deletes, too.
  await stack.queues.prune.pause();
  await expect.poll(() => stack.queues.prune.getActiveCount(), POLL).toBe(0);
  const claim = await lockDeletion(pool, { clock: systemClock, purpose: 'spica prune --offline' });
  await stack.redis.flushall();
  const { upkeep } = await start();
  expect([await catalog.reconciled(), await catalog.get(id)]).toEqual([null, null]);
  await claim.release();
  await expect.poll(() => catalog.get(id), POLL).not.toBeNull();
  await upkeep.close();
});

it('comes to an end while Redis is away, with work that waits for it', async () => {
  const { catalog, waiting } = countWaiting(stack.ctx.catalog);
  const { upkeep, change } = await start(catalog);
  await server.kill();
  try {
    change();
    await expect.poll(waiting, POLL).toBeGreaterThan(0); // what this change began, or a look that was going on
    await upkeep.close();
  } finally {
    await server.restart();
  }
});

/** The same catalog, and how many of its answers are waited for. */
function countWaiting(catalog: ServedContext['catalog']) {
  let waiting = 0;
  const counted = new Proxy(catalog, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => {
        const answer: unknown = method(...args);
        if (!(answer instanceof Promise)) return answer;
        waiting += 1;
        const settled = () => {
          waiting -= 1;
        };
        answer.then(settled, settled);
        return answer;
      };
    },
  });
  return { catalog: counted, waiting: () => waiting };
}
