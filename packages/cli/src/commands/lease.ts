import { type Catalog, hashLeaseToken, newLeaseToken } from '@spica/catalog';
import { leaseInstance } from '@spica/client/redis';
import { withCatalog } from '../context/catalog.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseSpan } from '../input/numbers.ts';
import { parseToken } from '../input/token.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeJson, writeRows } from '../output/write.ts';
import { warnIfUnmirrored } from '../wait/mirror.ts';

export interface LeaseOptions {
  readonly ttl: string;
  readonly owner?: string;
  readonly token?: string;
  readonly force?: boolean;
}

/** `spica lease ID`: takes a lease, or renews it for whoever has its token. Prints the token, which only they know. */
export async function lease(invocation: Invocation<LeaseOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const ms = parseSpan('--ttl', options.ttl) ?? 0;
  const given = parseToken(options.token, io.env);
  const asked = parseWho('--owner', options.owner);
  return withCatalog(invocation, async (pool) => {
    const { catalog } = pool;
    const token = given ?? newLeaseToken();
    const owner = options.owner === undefined ? await ownerOf(catalog, id, { token, asked }) : asked;
    const force = options.force === true;
    const { outcome, expiresAt } = await leaseInstance(pool, id, { owner, token, ms, force });
    const row = { id, owner, until: toIso(expiresAt), token };
    if (options.json) writeJson(io.stdout, { pool: pool.name, outcome, ...row });
    else writeRows(io.stdout, COLUMNS, [row]);
    await warnIfUnmirrored(io, pool);
    return 0;
  });
}

/** Whoever renews a lease and says no other name keeps the one that it has. */
async function ownerOf(catalog: Catalog, id: string, by: { token: string; asked: string }): Promise<string> {
  const current = (await catalog.get(id))?.record.lease;
  return current?.tokenHash === hashLeaseToken(by.token) ? current.owner : by.asked;
}

interface Row {
  readonly id: string;
  readonly owner: string;
  readonly until: string | null;
  readonly token: string;
}

const COLUMNS = [
  { title: 'instance', text: ({ id }: Row) => id },
  { title: 'leased by', text: ({ owner }: Row) => owner },
  { title: 'until', text: ({ until }: Row) => until ?? '' },
  { title: 'lease token', text: ({ token }: Row) => token },
];
