import type { Change } from '@spica/catalog';
import type { InstanceRecord } from '@spica/core';
import {
  checkMarker,
  listTrash,
  type Pool,
  readRecords,
  recordedIds,
  type SnapshotKey,
  sweepBaselines,
} from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { dropSpawns } from '../gatekeeper/spawns.ts';
import { noteMarks } from '../pressure/marks.ts';
import { scheduleTrash } from '../pruner/trash.ts';
import { reconcile } from '../reconciler/reconcile.ts';
import { giveBackOfRemoved } from '../reconciler/requests.ts';
import { endsWithin } from './endings.ts';
import { mirrorChanges } from './mirror.ts';
import { hasSteppedBack } from './mirrored.ts';
import { mendSchedules, schedule } from './schedulers.ts';

const EVERY_MS = 5_000;
/** Who closes waits no longer than this for what runs: while Redis is away it does not end. */
const CLOSE_MS = 3_000;

export interface Upkeep {
  /** Begins nothing more; resolves when what runs has ended, or after 3 s. */
  close(): Promise<void>;
}

/** One thing to be done, and what it is called when it fails. */
type Step = readonly [what: string, work: (ctx: ServedContext) => Promise<unknown>];

/** Else nothing is done: another disk may be there. */
const IN_PLACE: Step = ['finding the pool in its place', ({ pool }) => checkMarker(pool)];

/** Another process leased, pinned, or noted something: the disk has to know. */
const MIRROR: readonly Step[] = [
  ['mirroring changes to the disk', mirrorChanges],
  ['collecting results', ({ collectDue }) => collectDue.begin()],
];

/** What it did may have freed something: whoever waits may fit now. */
const MIRROR_AND_WAKE: readonly Step[] = [
  ...MIRROR,
  ['waking held requests', ({ gate }) => gate.line.wake()],
];

/** A lease, or a pin, frees nothing. */
const FREES = ['release', 'discard', 'unpin', 'ttl', 'score', 'unscore', 'oversize', 'clock', 'collected'];

const LOOK: readonly Step[] = [
  ['checking that Redis knows the pool', takeUpAgainIfLost],
  ['mirroring changes to the disk', mirrorChanges],
  ['giving back what removed requests held', giveBackOfRemoved],
  ['comparing the clocks', ({ clockGuard }) => clockGuard.suspended()],
  ['reading profiles anew', async ({ profiles }) => profiles.forget()],
  ['collecting results', ({ collectDue }) => collectDue.begin()],
  ['looking after the trash', scheduleTrash],
  ['noting what happened to the pool', noteMarks],
  ['sweeping templates', sweepTemplates],
  ['sweeping what is known of earlier templates', sweepBaselinesAtTimes],
];

/**
 * What a served pool needs besides its jobs: mirrors the changes of other processes as soon as they are announced, and
 * wakes held requests for those that free something; from time to time checks whether the trash's time has come, the
 * clocks agree, what repeats still does, and Redis still knows the pool. One thing at a time. What is asked for while it waits or runs already is
 * done once more, however often it was asked for.
 */
export async function startUpkeep(ctx: ServedContext): Promise<Upkeep> {
  const wanted = new Set<readonly Step[]>();
  let isRunning = false;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  async function attempt([what, work]: Step): Promise<boolean> {
    try {
      await work(ctx);
      return true;
    } catch (error) {
      // Redis or the disk is out of reach for now: the next look tries again, and the next step may work.
      ctx.logger.warn({ err: error }, `upkeep of the pool: ${what} failed`);
      return false;
    }
  }

  async function runWanted(): Promise<void> {
    isRunning = true;
    for (const steps of wanted) {
      wanted.delete(steps); // whoever asks from now on puts it behind the others
      if (closed || !(await attempt(IN_PLACE))) continue;
      for (const step of steps) {
        if (!closed) await attempt(step);
      }
    }
    isRunning = false;
  }

  const want = (steps: readonly Step[]) => {
    if (closed) return;
    wanted.add(steps);
    if (!isRunning) running = runWanted();
  };
  let syncing: Promise<unknown> | null = null;
  /** Beside the others, which would wait for the disk too. */
  const sync = async () => {
    await attempt(['putting clones on the disk', () => ctx.cloneSync.syncClones(ctx)]);
    await attempt(['putting templates on the disk', ({ templates }) => templates.syncSnapshots()]);
  };
  const syncAll = () => {
    syncing ??= sync().finally(() => {
      syncing = null;
    });
  };
  const hear = ({ kind, of }: Change) => {
    if (kind === 'cancel') {
      ctx.gate.cancelled.add(of);
      void attempt(['bringing back a cancelled request', ({ gate }) => gate.line.bringBack(of)]);
      void attempt(['dropping the spawns of a cancelled request', () => dropSpawns(ctx, of)]);
    } else if (kind === 'profile') {
      ctx.profiles.forget();
      void attempt(['waking held requests', ({ gate }) => gate.line.wake()]);
    } else want(FREES.includes(kind) ? MIRROR_AND_WAKE : MIRROR);
  };
  const unsubscribe = await ctx.catalog.onChange(hear);
  const servedSince = ctx.clock.now();
  const look: readonly Step[] = [
    ...LOOK,
    ['looking after the schedules', () => mendSchedules(ctx, servedSince)],
  ];
  const timer = setInterval(() => {
    want(look);
    syncAll();
  }, EVERY_MS);
  want(look);
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await unsubscribe();
      if (!(await endsWithin(Promise.all([running, syncing]), CLOSE_MS)))
        ctx.logger.warn('upkeep of the pool is left in the middle');
    },
  };
}

/** Snapshots that no admitted request needs any more give their space back. */
async function sweepTemplates({ gate, templates }: ServedContext): Promise<void> {
  const needed = [...gate.requests.values()].map(({ admitted }) => admitted.fingerprint);
  await templates.sweep(new Set(needed));
}

const BASELINES_EVERY_MS = 3_600_000;
const baselinesSwept = new WeakMap<Pool, number>();

/** What is known of snapshots that are gone goes with the last instance of each. All records are read for that. */
async function sweepBaselinesAtTimes({ pool }: ServedContext): Promise<void> {
  const now = performance.now();
  if (now < (baselinesSwept.get(pool) ?? Number.NEGATIVE_INFINITY) + BASELINES_EVERY_MS) return;
  baselinesSwept.set(pool, now);
  await sweepBaselines(pool, async () => {
    const needed = new Map<string, SnapshotKey>();
    const note = ({ template, fingerprint }: InstanceRecord) => {
      if (fingerprint !== null) needed.set(`${template} ${fingerprint}`, { template, fingerprint });
    };
    for await (const found of readRecords(pool, await recordedIds(pool)))
      if ('record' in found) note(found.record);
    for (const { note: left } of await listTrash(pool)) if (left?.record) note(left.record);
    return [...needed.values()];
  });
}

/**
 * Redis was emptied under our feet, or has stepped back: tell it anew what there is, and what repeats. Not while `spica
 * prune --offline` deletes: that is refused as PRUNE_BUSY, and the next time tries again.
 */
async function takeUpAgainIfLost(ctx: ServedContext): Promise<void> {
  const isLost = (await ctx.catalog.reconciled()) === null;
  if (!isLost && !(await hasSteppedBack(ctx))) return;
  const what = isLost ? 'Redis has lost the catalog' : 'Redis has lost changes that it had acknowledged';
  ctx.logger.error(`${what}; rebuilding it from the disk`);
  await ctx.catalog.identify({ id: ctx.pool.id, method: ctx.method, root: ctx.pool.paths.root });
  await schedule(ctx);
  await ctx.withDeletionClaim(() => reconcile(ctx, { starting: false })); // last: from then on Redis knows the pool
  ctx.publisher.soon();
  await ctx.gate.line.wake();
}
