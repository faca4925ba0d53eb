import { previewPrune } from '../../packages/workers/src/preview.ts';
import type { Instance, Model } from './model.ts';
import type { Move } from './move.ts';
import { DAY, HOUR, type Operation } from './operation.ts';
import { reconcileWorld } from './reconcile.ts';
import { admitRequest, finishRequest, newRequest, spawnRequest, undoRequest } from './requests.ts';
import { lease, mark, release, use } from './uses.ts';
import type { World } from './world.ts';

type Of<Name extends Operation['do']> = Extract<Operation, { do: Name }>;

/** What an operation comes to as things stand; null when there is nothing that it could be done to. */
export function toMove(world: World, model: Model, operation: Operation): Move | null {
  switch (operation.do) {
    case 'spawn':
      return spawn(world, model, operation);
    case 'finish':
      return onRequest(model, operation.pick, (request) => finish(world, model, request));
    case 'undo':
      return onRequest(model, operation.pick, (request) => undo(world, model, request));
    case 'lease':
      return onInstance(model, operation.pick, (instance) => lease(world, model, instance, operation));
    case 'release':
      return onInstance(model, operation.pick, (instance) => release(world, model, instance, operation));
    case 'pin':
    case 'unpin':
      return onInstance(model, operation.pick, ({ id }) => {
        const pinned = operation.do === 'pin';
        const pin = pinned ? { by: 'ada', why: 'a test', at: world.clocks.wall } : null;
        return mark(world, model, id, { pin }, { pinned });
      });
    case 'score':
      return onInstance(model, operation.pick, ({ id }) =>
        mark(world, model, id, { score: operation.score }, { score: operation.score }),
      );
    case 'use':
      return onInstance(model, operation.pick, ({ id }) => use(world, model, id));
    case 'restore':
      return restore(world, model, operation.pick);
    case 'prune':
      return {
        work: () => pruned(world, { pool: 'main', cause: 'schedule' }),
        predict: () =>
          deletes(
            model,
            model.plan().map(({ id }) => id),
          ),
      };
    case 'dryRun':
      return dryRun(world, model);
    case 'sealed':
      return carryOut(world, model);
    case 'sweep':
      return {
        work: () => pruned(world, { pool: 'main', cause: 'trash', all: false }),
        predict: () => {
          model.sweep();
          return [];
        },
      };
    case 'reconcile':
      return { work: () => reconcileWorld(world, false), predict: () => model.reconcile() };
    case 'restart':
      return { work: () => Promise.resolve(), predict: () => undefined };
    case 'flush':
      return { before: () => world.flush(), predict: () => model.flush() };
    case 'rollback':
      return null; // not done to what is there, but to Redis (rollback.ts)
    case 'pass':
      return { before: () => world.clocks.pass(operation.ms), predict: () => undefined };
    case 'jump':
      return { before: () => setClock(world, operation), predict: () => undefined };
    case 'confirm':
      return {
        before: () => world.ctx.catalog.confirmClock(world.clocks.wall - world.clocks.redis),
        predict: () => model.time.confirm(),
      };
  }
}

function onInstance(model: Model, pick: number, move: (instance: Instance) => Move): Move | null {
  const there = model.at('pool');
  const instance = there[pick % there.length];
  return instance ? move(instance) : null;
}

function onRequest(model: Model, pick: number, move: (request: string) => Move | null): Move | null {
  const open = [...model.requests.keys()];
  const request = open[pick % open.length];
  return request === undefined ? null : move(request);
}

function spawn(world: World, model: Model, { count, leaseMs }: Of<'spawn'>): Move {
  const asked = newRequest(world, count, leaseMs);
  return {
    before: () => {
      admitRequest(world, asked);
      model.requests.set(asked.request, asked);
    },
    work: () => spawnRequest(world, asked),
    predict: () => addSpawned(model, asked.request),
  };
}

/** Those of a request's instances that are not there yet come up. */
function addSpawned(model: Model, request: string): void {
  const { ids = [], leaseMs = null } = model.requests.get(request) ?? {};
  const spawnedAt = model.time.wall;
  const all = new Map(model.instances);
  for (const id of ids) {
    const there = all.get(id);
    if (there?.place === 'pool') {
      // One that an earlier run had brought up is taken in as it is.
      if (!there.listed) all.set(id, { ...there, listed: true, inFlight: true });
      continue;
    }
    const lease = leaseMs === null ? null : { owner: 'runner', expiresAt: spawnedAt + leaseMs };
    const lastLeasedAt = lease && spawnedAt;
    const said = {
      releasedAt: null,
      pinned: false,
      score: null,
      usedUntil: 0,
      trashedAt: 0,
      deletionBegun: false,
    };
    const where = { place: 'pool', listed: true, inFlight: true } as const;
    all.set(id, { id, request, spawnedAt, ...where, lease, lastLeasedAt, ...said });
  }
  model.instances = all;
}

function finish(world: World, model: Model, request: string): Move {
  const { ids = [], leaseMs = null } = model.requests.get(request) ?? {};
  const isCollected = world.jobs.get(request)?.isCollected ?? false;
  return {
    work: () => finishRequest(world, { request, ids, leaseMs }),
    predict: () => {
      if (!isCollected) addSpawned(model, request);
      for (const id of ids) model.set(id, { inFlight: false });
      model.requests.delete(request);
    },
  };
}

/** Not once its instances are ready: then it has ended well. */
function undo(world: World, model: Model, request: string): Move | null {
  const { ids = [], leaseMs = null } = model.requests.get(request) ?? {};
  if (world.jobs.get(request)?.isCollected) return null;
  const there = model.at('pool').filter(({ id }) => ids.includes(id));
  if (there.some(({ listed, inFlight }) => listed && !inFlight)) return null;
  return {
    work: () => undoRequest(world, { request, ids, leaseMs }),
    predict: () => {
      for (const { id } of there) model.set(id, { place: 'gone', listed: false, inFlight: false });
      model.requests.delete(request);
    },
  };
}

function restore(world: World, model: Model, pick: number): Move | null {
  const put = model.at('trash').filter(({ deletionBegun }) => !deletionBegun);
  const instance = put[pick % put.length];
  if (!instance) return null;
  return {
    work: () => pruned(world, { pool: 'main', cause: 'restore', id: instance.id }),
    predict: () => {
      model.set(instance.id, { place: 'pool', listed: true });
      return [];
    },
  };
}

function dryRun(world: World, model: Model): Move {
  return {
    work: async () => {
      const { plan, digest } = await previewPrune(world.ctx, { maxInstances: null, maxAgeMs: null });
      const items = model.plan().map(({ id, byAge }) => {
        const { lastLeasedAt = null, score = null } = model.instances.get(id) ?? {};
        return { id, byAge, lastLeasedAt, score };
      });
      model.sealed = { digest, at: world.clocks.wall, items };
      return plan.deletes.map(({ id }) => id).sort();
    },
    predict: () =>
      model
        .plan()
        .map(({ id }) => id)
        .sort(),
  };
}

function carryOut(world: World, model: Model): Move | null {
  const { sealed, time } = model;
  if (!sealed) return null;
  const ageMs = time.wall - sealed.at;
  const tooOld = ageMs < 0 || ageMs > HOUR;
  return {
    work: () =>
      pruned(world, { pool: 'main', cause: 'sealed', digest: sealed.digest }).catch((error: Error) => {
        const code = /PLAN_[A-Z_]+/.exec(error.message)?.[0];
        if (code === undefined) throw error;
        return code;
      }),
    predict: () => (tooOld ? 'PLAN_TOO_OLD' : deletes(model, model.stillStanding(sealed))),
  };
}

async function pruned(world: World, payload: Parameters<World['prune']>[0]): Promise<string[]> {
  const result = await world.prune(payload);
  if (result.failed.length > 0) throw new Error(JSON.stringify(result.failed));
  return result.pruned.map(({ id }) => id).sort();
}

function deletes(model: Model, ids: readonly string[]): string[] {
  const allowed = model.inGrace ? [] : [...ids].sort();
  model.prune(ids);
  return allowed;
}

function setClock({ clocks }: World, { to }: Of<'jump'>): void {
  if (to === 'a day ahead') clocks.set(clocks.wall + DAY + HOUR);
  if (to === 'an hour back') clocks.set(clocks.wall - HOUR);
  if (to === 'right') clocks.set(clocks.right);
}
