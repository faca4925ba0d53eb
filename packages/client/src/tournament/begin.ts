import { randomUUID } from 'node:crypto';
import { newLeaseToken } from '@spica/catalog';
import { planReplicas } from '@spica/core';
import { parsePayload, throughOutage } from '@spica/queues';
import type { SpawnOptions } from '../options.ts';
import type { SpawnRequestHandle } from '../request.ts';
import type { Transport } from '../transport.ts';
import { readLineages } from './lineage.ts';
import { type ReadTournamentOptions, type TournamentOptions, tournamentOptionsSchema } from './options.ts';
import { Tournament } from './tournament.ts';

/** @internal */
export interface Beginning {
  readonly transport: Transport;
  readonly spawn: (options: SpawnOptions, call: { signal?: AbortSignal }) => Promise<SpawnRequestHandle>;
}

/**
 * Spawns the candidates of a tournament, all or none, and verifies their lineage. Where that fails, or the signal is
 * aborted meanwhile, nothing of it is left.
 *
 * @internal
 */
export async function beginTournament(
  { transport, spawn }: Beginning,
  options: TournamentOptions,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Tournament> {
  const asked = parsePayload(tournamentOptionsSchema, options, 'tournament') as ReadTournamentOptions;
  const { epochs, slicesPerEpoch, replicasPerSlice } = asked.qtime;
  const qtime = { epochs, slices_per_epoch: slicesPerEpoch, replicas_per_slice: replicasPerSlice };
  planReplicas(asked.candidates.map(String), qtime); // refuses too many before anything is spawned
  const call = signal ? { signal } : {};
  const began = new Date();
  // Under a key of its own where it has none, so that it may be submitted again when nobody knows whether it was.
  const once = asked.key === null ? { key: `tournament/${randomUUID()}`, leaseToken: newLeaseToken() } : {};
  const body = { ...requestOf(asked), ...once };
  const request = await throughOutage(() => spawn(body, call), call);
  const batch = await request.ready(call);
  try {
    signal?.throwIfAborted();
    const ids = batch.instances.map(({ id }) => id);
    const lineages = await throughOutage(() => readLineages(transport, ids, 'before'), call);
    return new Tournament(transport, {
      id: request.id,
      asked,
      batch,
      lineages,
      plan: planReplicas(ids, qtime),
      qtime,
      began,
    });
  } catch (error) {
    await batch.release();
    throw error;
  }
}

function requestOf(asked: ReadTournamentOptions): SpawnOptions {
  const { candidates, qtime, template, params, parent, labels, notes, lease, maxWait, key } = asked;
  return {
    count: candidates.length,
    ...{ template, params, paramsEach: candidates, parent, labels, notes, lease, maxWait, key },
    experiment: asked.experiment ?? asked.suiteId,
    replicas: qtime,
  };
}
