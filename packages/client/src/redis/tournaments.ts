import {
  CheckError,
  type TournamentHead,
  type TournamentRecord,
  tournamentRecordSchema,
  UsageError,
} from '@spica/core';
import { parsePayload } from '@spica/queues';
import type { Page } from '../view.ts';
import { MOST_RECORD_BYTES, type TournamentsQuery, tournamentsQuerySchema } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';

/** Throws UsageError PAYLOAD_INVALID, TOURNAMENT_TOO_LARGE. */
export async function saveTournament({ catalog, name }: CatalogPool, input: TournamentRecord): Promise<void> {
  const record = parsePayload(tournamentRecordSchema, input, 'tournament') as TournamentRecord;
  if (record.pool !== name) {
    const message = `tournament: pool: expected "${name}", got "${record.pool}"`;
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'pool' });
  }
  const bytes = Buffer.byteLength(JSON.stringify(record));
  if (bytes > MOST_RECORD_BYTES) {
    const message = `tournament: expected at most ${MOST_RECORD_BYTES} bytes as JSON, got ${bytes}: leave out metrics of its results`;
    throw new UsageError('TOURNAMENT_TOO_LARGE', message, { bytes });
  }
  await catalog.saveTournament(record);
}

/** Throws CheckError TOURNAMENT_UNKNOWN. */
export async function readTournament({ catalog, name }: CatalogPool, id: string): Promise<TournamentRecord> {
  const record = await catalog.tournament(id);
  if (record) return record;
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  throw new CheckError(
    'TOURNAMENT_UNKNOWN',
    `id: no tournament "${shown}" is known in pool ${name} (any more)`,
    {
      field: 'id',
    },
  );
}

/** Newest first. */
export async function listTournaments(
  { catalog }: CatalogPool,
  query: TournamentsQuery,
): Promise<Page<TournamentHead>> {
  const { limit, cursor = null } = parsePayload(tournamentsQuerySchema, query, 'tournaments');
  const found = await catalog.listTournaments({ limit: limit + 1, before: cursor });
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
