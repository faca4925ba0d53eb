import { SpicaError, systemClock, UsageError } from '@spica/core';
import { type Preview, type RedisTarget, toUnreachable } from '@spica/queues';
import type { Transport } from '../transport.ts';
import { act, previewAction } from './act.ts';
import {
  ask,
  askWhatIf,
  collectInstances,
  executePlan,
  growInstance,
  planPrune,
  readAudit,
  restoreInstance,
  sampleInstances,
  verifyInstance,
} from './asks.ts';
import { type Connection, openConnection } from './connection.ts';
import { followRequest, waitForEnd } from './events.ts';
import { followAudit } from './follow-audit.ts';
import { followOversize, readOversize } from './follow-oversize.ts';
import {
  leaseInstance,
  listInstances,
  pinInstance,
  readInstance,
  releaseInstance,
  scoreInstance,
} from './instances.ts';
import { listRequests } from './list-requests.ts';
import { readHistory, readPool } from './pool.ts';
import { listProfiles } from './profiles.ts';
import { readRequest } from './read-request.ts';
import { cancelRequest, submitTo } from './requests.ts';
import { readSpaceTree } from './space.ts';
import { listTournaments, readTournament, saveTournament } from './tournaments.ts';
import { watchPool } from './watch.ts';

/**
 * Reaches a pool through its Redis; `pool` null for the only one that is served there. It lives through restarts of Redis:
 * what is sent while that is away throws UnreachableError at once, what waits goes on waiting. Throws UnreachableError
 * where Redis cannot be reached at the start, or refuses; UsageError POOL_AMBIGUOUS.
 *
 * @param options.mustBeKnown Throws UsageError POOL_UNKNOWN where nobody has ever served the pool there.
 */
export async function openRedisTransport(
  target: RedisTarget,
  { pool, mustBeKnown = false }: { readonly pool: string | null; readonly mustBeKnown?: boolean },
): Promise<Transport> {
  const connection = await openConnection(target, pool);
  try {
    if (mustBeKnown) await requireKnown(connection);
    return overRedis(connection);
  } catch (error) {
    await connection.close();
    throw toUnreachable(error, connection.where) ?? error;
  }
}

async function requireKnown({ name, catalog, where }: Connection): Promise<void> {
  if ((await catalog.identity()) !== null) return;
  const message = `pool: Redis at ${where} knows no pool "${name}"`;
  throw new UsageError('POOL_UNKNOWN', message, { field: 'pool' });
}

function overRedis(connection: Connection): Transport {
  const { name } = connection;
  const reach = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      if (error instanceof SpicaError) throw error;
      throw toUnreachable(error, connection.where) ?? error;
    });
  return {
    pool: name,
    submit: (body, options) => reach(submitTo(connection, body, { ...options, clock: systemClock })),
    request: (id) => reach(readRequest(connection, id)),
    requests: (query) => reach(listRequests(connection, query)),
    events: (id, options) => followRequest(connection, id, options),
    wait: (id, options) => reach(waitForEnd(connection, id, options)),
    cancel: (id, by) => reach(cancelRequest(connection, id, by)),

    instances: (query) => reach(listInstances(connection, query)),
    instance: (id) => reach(readInstance(connection, id)),
    lease: (id, asked) => reach(leaseInstance(connection, id, asked)),
    releaseLease: (id, asked) => reach(releaseInstance(connection, id, asked)),
    pin: async (id, pin) => void (await reach(pinInstance(connection, id, { pin, by: pin.by }))),
    unpin: async (id, { by }) => void (await reach(pinInstance(connection, id, { pin: null, by }))),
    score: (id, value) => reach(scoreInstance(connection, id, value)),
    grow: (id, asked) => reach(growInstance(connection, id, asked)),
    restore: (id, asked) => reach(restoreInstance(connection, id, asked)),
    sample: (ids, asking) => reach(sampleInstances(connection, ids, asking)),
    collect: (ids, asked) => reach(collectInstances(connection, ids, asked)),
    verify: (id, asking) => reach(verifyInstance(connection, id, asking)),

    preflight: ({ template, count, experiment, replicas }, asking) =>
      reach(ask<Preview>(connection, { preflight: { template, count, experiment, replicas } }, asking)),
    previewAction: (asked) => reach(previewAction(connection, asked)),
    act: (asked, by) => reach(act(connection, asked, by)),
    plan: (limits, asking) => reach(planPrune(connection, limits, asking)),
    whatIf: (limits, asking) => reach(askWhatIf(connection, limits, asking)),
    execute: (digest, asked) => reach(executePlan(connection, digest, asked)),

    auditTail: (query, asking) => reach(readAudit(connection, query, asking)),
    oversize: ({ request }) => reach(readOversize(connection, request)),
    oversizeFollow: (options) => followOversize(connection, options),
    auditFollow: (options) => followAudit(connection, options),
    saveTournament: (record) => reach(saveTournament(connection, record)),
    tournament: (id) => reach(readTournament(connection, id)),
    tournaments: (query) => reach(listTournaments(connection, query)),

    watch: (options) => watchPool(connection, options),
    poolStatus: () => reach(readPool(connection)),
    history: (query) => reach(readHistory(connection, query)),
    profiles: () => reach(listProfiles(connection)),
    space: (query) => reach(readSpaceTree(connection, query)),
    close: () => connection.close(),
  };
}
