import { listTournaments, readTournament } from '@spica/client/redis';
import { systemClock, type TournamentHead } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseCount } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { formatAge } from '../output/age.ts';
import { type Column, writeJson, writeRows } from '../output/write.ts';

export interface TournamentsOptions {
  readonly count: string;
}

/** `spica tournaments [ID]`: the newest tournaments that are over; of one its whole record, as JSON. */
export async function tournaments(invocation: Invocation<TournamentsOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const limit = parseCount('-n', options.count, { least: 1, most: 1_000 });
  return withCatalog(invocation, async ({ policy: { name }, catalog }) => {
    const [id] = args;
    if (id !== undefined) {
      writeJson(io.stdout, await readTournament({ name, catalog }, id));
      return 0;
    }
    const { items } = await listTournaments({ name, catalog }, { limit });
    if (options.json) writeJson(io.stdout, { pool: name, tournaments: items });
    else if (items.length > 0) writeRows(io.stdout, COLUMNS, items);
    else if (io.stdout.isTTY) io.stderr.write('no tournament has ended yet\n');
    return 0;
  });
}

const COLUMNS: readonly Column<TournamentHead>[] = [
  { title: 'id', text: ({ id }) => id },
  { title: 'suite', text: ({ suite_id }) => suite_id },
  {
    title: 'ended',
    text: ({ completed_at }) => `${formatAge(systemClock.now() - Date.parse(completed_at))} ago`,
    raw: ({ completed_at }) => completed_at,
    align: 'right',
  },
  { title: 'outcome', text: ({ outcome }) => outcome },
  { title: 'instances', text: ({ instances }) => String(instances.length), align: 'right' },
  { title: 'passed', text: ({ results }) => String(results.passed), align: 'right' },
  { title: 'of', text: ({ total_replicas }) => String(total_replicas), align: 'right' },
  { title: 'champion', text: ({ champion }) => champion ?? '-' },
  {
    title: 'score',
    text: ({ champion, scores }) => String((champion === null ? null : scores[champion]) ?? '-'),
    align: 'right',
  },
];
