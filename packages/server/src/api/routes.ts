import type { Route } from './route.ts';
import { actionRoutes } from './routes/actions.ts';
import { instanceRoutes } from './routes/instances.ts';
import { planRoutes } from './routes/plans.ts';
import { type PoolRoutesOptions, poolRoutes } from './routes/pools.ts';
import { requestRoutes } from './routes/requests.ts';
import { tournamentRoutes } from './routes/tournaments.ts';

/** Every route of the HTTP API. */
export function apiRoutes(options: PoolRoutesOptions): readonly Route[] {
  return [
    ...requestRoutes,
    ...instanceRoutes,
    ...actionRoutes,
    ...planRoutes,
    ...tournamentRoutes,
    ...poolRoutes(options),
  ];
}
