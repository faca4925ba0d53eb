import { MOST_RECORD_BYTES, pageSchema, tournamentsQuerySchema } from '@spica/client/wire';
import { tournamentHeadSchema, tournamentRecordSchema, UsageError } from '@spica/core';
import { requireOwnRequest } from '../own.ts';
import { type Route, route } from '../route.ts';

/** The tournaments that are over: the newest thousand, whoever ran them. */
export const tournamentRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/tournaments',
    role: 'viewer',
    ofPool: true,
    summary: 'List tournaments that are over, the newest first',
    description: 'Without what came of each replica.',
    query: tournamentsQuerySchema,
    answers: { 200: ['A part of the list', pageSchema(tournamentHeadSchema)] },
    handle: ({ pool, query }) => pool.tournaments(query),
  }),
  route({
    method: 'GET',
    path: '/v1/tournaments/{id}',
    role: 'viewer',
    ofPool: true,
    summary: 'The record of a tournament',
    answers: { 200: ['The record', tournamentRecordSchema] },
    handle: ({ pool, id }) => pool.tournament(id),
  }),
  route({
    method: 'PUT',
    path: '/v1/tournaments/{id}',
    role: 'runner',
    ownOnly: true,
    ofPool: true,
    summary: 'Keep the record of a tournament that is over',
    description:
      'Its id is that of the request that spawned its candidates. It takes the place of what was kept under it.',
    body: tournamentRecordSchema,
    mostBodyBytes: MOST_RECORD_BYTES,
    answers: { 200: ['The record, without what came of each replica', tournamentHeadSchema] },
    handle: async (call) => {
      const { pool, id, body } = call;
      await requireOwnRequest(call);
      if (body.id !== id) {
        const message = `body: id: expected "${id.slice(0, 80)}", as in the path, got "${body.id.slice(0, 80)}"`;
        throw new UsageError('PAYLOAD_INVALID', message, { field: 'id' });
      }
      await pool.saveTournament(body);
      return tournamentHeadSchema.parse(body);
    },
  }),
];
