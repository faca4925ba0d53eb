import type { Catalog } from '@spica/catalog';
import { backOffUntil } from '@spica/core';
import { toIso } from '../output/age.ts';

/** An instance whose results could not be collected: it is kept until they are. */
export interface Uncollected {
  readonly id: string;
  readonly cause: string;
  readonly since: string | null;
  /** When it is tried again by itself. */
  readonly triedAgainAt: string | null;
}

/** Instances that are kept since their results could not be collected, by id. */
export async function readUncollected(
  catalog: Pick<Catalog, 'uncollected' | 'getMany'>,
): Promise<Uncollected[]> {
  const ids = await catalog.uncollected();
  const instances = await catalog.getMany(ids.sort());
  return instances.flatMap(({ record: { id }, collectFailure: failure }) =>
    failure === null
      ? []
      : [
          {
            id,
            cause: failure.cause,
            since: toIso(failure.since),
            triedAgainAt: toIso(backOffUntil(failure)),
          },
        ],
  );
}
