import {
  type TournamentHead,
  type TournamentRecord,
  tournamentHeadSchema,
  tournamentRecordSchema,
} from '@spica/core';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { readJson } from './stored.ts';

/** Kept of a pool's tournaments: so many of the newest, and no more than so many bytes of JSON together. */
const MOST_TOURNAMENTS = 1_000;
const MOST_BYTES = 64_000_000;

/** What is known of tournaments that are over. They are no part of the disk: with Redis they are lost. */
export interface Tournaments {
  /** Keeps a record under its id, in place of what was kept there; the oldest go where there are too many. */
  saveTournament(record: TournamentRecord): Promise<void>;
  tournament(id: string): Promise<TournamentRecord | null>;
  /**
   * The newest `limit`, newest first, without what came of each replica.
   *
   * @param before Only those that ended before this one; null for all.
   */
  listTournaments(query: { limit: number; before: string | null }): Promise<TournamentHead[]>;
}

export function createTournaments(redis: Redis, keys: Keys, run: Run): Tournaments {
  const { ends, heads, records } = keys.tournaments;
  return {
    async saveTournament(record) {
      const { results, ...rest } = record;
      const { results: _, aggregated_by_instance: __, ...counts } = results;
      const head: TournamentHead = { ...rest, results: counts };
      const at = Date.parse(record.completed_at);
      const texts = [JSON.stringify(head), JSON.stringify(record)];
      await run('save_tournament', [record.id, at, ...texts, MOST_TOURNAMENTS, MOST_BYTES]);
    },
    async tournament(id) {
      const text = await redis.hget(records, id);
      return text === null ? null : readJson(tournamentRecordSchema, `${records} ${id}`, text);
    },
    async listTournaments({ limit, before }) {
      const rank = before === null ? null : await redis.zrevrank(ends, before);
      const from = rank === null ? 0 : rank + 1;
      if (before !== null && rank === null) return []; // dropped meanwhile, and so are all that are older
      const ids = await redis.zrevrange(ends, from, from + limit - 1);
      if (ids.length === 0) return [];
      const texts = await redis.hmget(heads, ...ids);
      return texts.flatMap((text, at) =>
        text === null ? [] : [readJson(tournamentHeadSchema, `${heads} ${ids[at]}`, text)],
      );
    },
  };
}
