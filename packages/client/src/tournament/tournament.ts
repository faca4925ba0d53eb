import {
  countResults,
  type Qtime,
  replicaPlanHash,
  type TournamentPlan,
  type TournamentRecord,
  UsageError,
} from '@spica/core';
import { hostUser, parsePayload, throughOutage } from '@spica/queues';
import type { Batch } from '../batch.ts';
import type { Instance } from '../instance.ts';
import type { Transport } from '../transport.ts';
import { compareLineages, type Lineages, readLineages } from './lineage.ts';
import {
  type FinishOptions,
  finishOptionsSchema,
  type ReadFinishOptions,
  type ReadTournamentOptions,
} from './options.ts';

/** @internal */
export interface Begun {
  readonly id: string;
  readonly asked: ReadTournamentOptions;
  readonly batch: Batch;
  readonly lineages: Lineages;
  readonly plan: TournamentPlan;
  readonly qtime: Qtime;
  readonly began: Date;
}

/**
 * A tournament that has begun: its candidates are there, leased, and their lineage is verified. Run the replicas of `plan`,
 * then `finish` or `abandon` it. Disposing of it (`await using`) abandons one that was not finished.
 */
export class Tournament implements AsyncDisposable {
  /** That of the request that spawned the candidates. */
  readonly id: string;
  readonly suiteId: string;
  /** In the order of the candidates. */
  readonly instances: readonly Instance[];
  /** What to run, in this order. */
  readonly plan: TournamentPlan;
  readonly planHash: string;
  readonly #transport: Transport;
  readonly #begun: Begun;
  /** Once it is over: nothing of it is done twice. */
  #ending: Promise<TournamentRecord> | null = null;

  /** @internal */
  constructor(transport: Transport, begun: Begun) {
    this.#transport = transport;
    this.#begun = begun;
    this.id = begun.id;
    this.suiteId = begun.asked.suiteId;
    this.instances = begun.batch.instances;
    this.plan = begun.plan;
    this.planHash = replicaPlanHash(begun.plan);
  }

  /**
   * Ends it: verifies the lineage again, stores the scores, pins the champion, keeps the record and releases all. What Redis
   * or the server being away interrupts goes on when they are back, for ten minutes. Throws UsageError TOURNAMENT_INVALID
   * that names the field; LineageChangedError and InstanceGoneError, which name the instance: then nothing was stored, and
   * it can only be abandoned. One that is over answers with its record.
   */
  finish(options: FinishOptions): Promise<TournamentRecord> {
    if (this.#ending) return this.#ending;
    const asked = parsePayload(finishOptionsSchema, options, 'finish') as ReadFinishOptions;
    this.#check(asked);
    return this.#over(this.#finish(asked));
  }

  /** Ends it without a champion: releases all candidates, and keeps a record that says why. */
  abandon(reason = 'its runner gave it up'): Promise<TournamentRecord> {
    return this.#ending ?? this.#over(this.#abandon(reason));
  }

  /** Where it does not come through, it may be tried again, or abandoned. */
  #over(ending: Promise<TournamentRecord>): Promise<TournamentRecord> {
    this.#ending = ending;
    ending.catch(() => {
      this.#ending = null;
    });
    return ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (this.#ending ?? this.abandon());
  }

  async #finish(asked: ReadFinishOptions): Promise<TournamentRecord> {
    const { lineages } = this.#begun;
    const after = await throughOutage(() => readLineages(this.#transport, [...lineages.keys()], 'after'));
    compareLineages(lineages, after);
    const champion = asked.champion === undefined ? bestOf(asked.scores) : asked.champion;
    for (const [id, score] of Object.entries(asked.scores)) {
      await throughOutage(() => this.#transport.score(id, score));
    }
    if (champion !== null && asked.pin) {
      const pin = { by: hostUser(), why: `champion of tournament ${this.suiteId} (${this.id})` };
      await throughOutage(() => this.#transport.pin(champion, pin));
    }
    const record: TournamentRecord = {
      ...this.#head('finished', null),
      champion,
      scores: asked.scores,
      results: countResults(this.suiteId, asked.results, asked.aggregated),
    };
    await this.#end(record);
    return record;
  }

  async #abandon(reason: string): Promise<TournamentRecord> {
    const none = { champion: null, scores: {}, results: countResults(this.suiteId, []) };
    const record = { ...this.#head('abandoned', reason), ...none };
    await this.#end(record);
    return record;
  }

  async #end(record: TournamentRecord): Promise<void> {
    await throughOutage(() => this.#transport.saveTournament(record));
    for (const instance of this.instances) {
      await throughOutage(() => instance.release({ discard: instance.id !== record.champion }));
    }
  }

  #head(outcome: TournamentRecord['outcome'], reason: string | null) {
    const { asked, qtime, began } = this.#begun;
    return {
      schema: 'phase.tournament/v1',
      id: this.id,
      pool: this.#transport.pool,
      suite_id: this.suiteId,
      qtime,
      replica_plan_hash: this.planHash,
      instances: this.instances.map(({ id }) => id),
      total_replicas: this.plan.total_replicas,
      isolation: {
        cpu_affinity: asked.isolation.cpuAffinity,
        network_egress: asked.isolation.networkEgress,
        lineage_immutable: outcome === 'finished',
      },
      outcome,
      reason,
      began_at: began.toISOString(),
      completed_at: new Date().toISOString(),
    } as const;
  }

  /** Whatever names an instance or a replica must name one of this tournament. */
  #check({ scores, champion, results }: ReadFinishOptions): void {
    const ids = new Set(this.instances.map(({ id }) => id));
    const replicas = new Map(this.plan.replicas.map((each) => [each.replica_id, each.instance_id]));
    for (const id of Object.keys(scores)) {
      if (!ids.has(id)) throw invalid('scores', 'instances of the tournament', id);
    }
    if (typeof champion === 'string' && !ids.has(champion)) {
      throw invalid('champion', 'an instance of the tournament', champion);
    }
    for (const { replica_id, instance_id } of results) {
      if (replicas.get(replica_id) !== instance_id) {
        throw invalid('results', 'replicas of the plan, each once', `${replica_id} of ${instance_id}`);
      }
      replicas.delete(replica_id);
    }
  }
}

/** The highest score, of several the first; null where there is none. */
function bestOf(scores: Readonly<Record<string, number>>): string | null {
  let best: string | null = null;
  for (const [id, score] of Object.entries(scores)) {
    if (best === null || score > (scores[best] ?? 0)) best = id;
  }
  return best;
}

function invalid(field: string, expected: string, got: string): UsageError {
  const message = `finish: ${field}: expected ${expected}, got ${JSON.stringify(got).slice(0, 200)}`;
  return new UsageError('TOURNAMENT_INVALID', message, { field });
}
