import { CheckError, isoTime, SpicaError, UnreachableError, UsageError } from '@spica/core';
import { MOST_CHOSEN } from '@spica/queues';
import { commandLineOf } from '../list/command-line.ts';
import type { OnBehalf } from '../transport.ts';
import type { ActionPreview, ActionView } from '../view.ts';
import type { ActionAsked } from '../wire/bodies.ts';
import {
  collectInstances,
  executePlan,
  planPrune,
  restoreInstance,
  sampleInstances,
  verifyInstance,
} from './asks.ts';
import type { Connection } from './connection.ts';
import { knownInstances, type Matched, matchInstances, pinInstance, releaseInstance } from './instances.ts';

/*
 * One thing done with many instances, each for itself.
 */

type By = OnBehalf & { readonly force: boolean };
type Failed = ActionView['failed'];

const MOST_SHOWN = 20;
/** So many at a time: of what Redis does, and of what the worker does. */
const LANES = { redis: 50, worker: 4 };

export async function previewAction(connection: Connection, asked: ActionAsked): Promise<ActionPreview> {
  const { ids, ownBytes } = await matchedBy(connection, asked);
  const commandLine = commandLineOf(connection.name, asked);
  return { matched: ids.length, ownBytes, sample: ids.slice(0, MOST_SHOWN), commandLine };
}

/** Throws CheckError MATCH_CHANGED, UsageError CONFIRM_MISSING, UnreachableError where what does it is out of reach. */
export async function act(connection: Connection, asked: ActionAsked, by: By): Promise<ActionView> {
  const { action, match, confirm, reason } = asked;
  if (match !== null && confirm === null) {
    const message = 'body: confirm: expected how many match, as a dry run says';
    throw new UsageError('CONFIRM_MISSING', message, { field: 'confirm' });
  }
  const { ids } = await matchedBy(connection, asked);
  if (confirm !== null && confirm !== ids.length) {
    const message = `${ids.length} match now, and not ${confirm}: nothing was done`;
    throw new CheckError('MATCH_CHANGED', message, { matched: ids.length, confirm });
  }
  const there = new Set(ids);
  const named = [...new Set(asked.ids)];
  const missing = named.filter((id) => !there.has(id)).map((id) => ({ id, reason: 'it is not there' }));
  await connection.catalog.leaveNote({
    action: 'act_on_instances',
    reason: `${action} of ${ids.length}, asked for by ${by.by ?? 'an unknown caller'}: ${reason}`,
    at: isoTime(Date.now()),
    outcome: 'asked',
    verb: action,
    matched: ids.length,
    ...(match && { match }),
  });
  const failed = [...missing, ...(await VERBS[action](connection, ids, { ...asked, ...by }))];
  return { matched: ids.length, done: ids.length + missing.length - failed.length, failed };
}

/** What is in the trash is in no list. */
async function matchedBy(connection: Connection, { action, ids, match }: ActionAsked): Promise<Matched> {
  if (ids === null) return matchInstances(connection, match ?? {});
  const once = [...new Set(ids)];
  return action === 'restore' ? { ids: once, ownBytes: 0 } : knownInstances(connection, once);
}

type Verb = (connection: Connection, ids: readonly string[], asked: ActionAsked & By) => Promise<Failed>;

const VERBS: Readonly<Record<ActionAsked['action'], Verb>> = {
  pin: oneByOne('redis', async (connection, id, { by, why, reason }) => {
    await pinInstance(connection, id, { pin: { by: by ?? 'an unknown caller', why: why ?? reason }, by });
    return null;
  }),
  unpin: oneByOne('redis', async (connection, id, { by }) => {
    await pinInstance(connection, id, { pin: null, by });
    return null;
  }),
  release: oneByOne('redis', async (connection, id, { by, discard, force }) => {
    await releaseInstance(connection, id, { token: null, discard, force, by });
    return null;
  }),
  restore: oneByOne('worker', async (connection, id, { by }) => {
    await restoreInstance(connection, id, { by });
    return null;
  }),
  verify: oneByOne('worker', async (connection, id) => {
    const { ok, reason } = await verifyInstance(connection, id);
    return ok ? null : (reason ?? 'its lineage is not what its manifest says');
  }),
  prune: inParts(async (connection, ids, { by, reason }) => {
    const plan = await planPrune(connection, { maxInstances: null, maxAge: null, ids: [...ids] });
    const kept = plan.items.filter(({ action }) => action === 'keep');
    const left = [...kept.map(({ id, reason: why }) => ({ id, reason: why })), ...plan.skipped];
    if (plan.pruned.length === 0) return left;
    const { skipped, failed } = await executePlan(connection, plan.digest, { by, reason });
    return [...left, ...skipped, ...failed].filter(({ id }) => ids.includes(id));
  }),
  collect: inParts(async (connection, ids, { by, patterns }) => {
    return (await collectInstances(connection, ids, { by, patterns })).failed;
  }),
  sample: inParts(async (connection, ids) => {
    const { vanished } = await sampleInstances(connection, ids);
    return vanished.map((id) => ({ id, reason: 'it is gone already' }));
  }),
};

/** Of each: null where it was done, else why not. */
function oneByOne(
  by: keyof typeof LANES,
  work: (connection: Connection, id: string, asked: ActionAsked & By) => Promise<string | null>,
): Verb {
  return async (connection, ids, asked) => {
    const failed: { id: string; reason: string }[] = [];
    const left = ids.values();
    const lane = async () => {
      for (const id of left) {
        const reason = await work(connection, id, asked).catch(sayWhyNot);
        if (reason !== null) failed.push({ id, reason });
      }
    };
    await Promise.all(Array.from({ length: LANES[by] }, lane));
    return failed;
  };
}

function sayWhyNot(error: unknown): string {
  if (error instanceof SpicaError && !(error instanceof UnreachableError)) return error.message;
  throw error;
}

/** What one job of the worker does with many. */
function inParts(work: Verb): Verb {
  return async (connection, ids, asked) => {
    const failed: Failed[] = [];
    for (let start = 0; start < ids.length; start += MOST_CHOSEN) {
      failed.push(await work(connection, ids.slice(start, start + MOST_CHOSEN), asked));
    }
    return failed.flat();
  };
}
