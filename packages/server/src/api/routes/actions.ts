import { type ActionAsked, actionBodySchema, actionQuerySchema } from '@spica/client/wire';
import * as z from 'zod';
import { forbidden, requireOwnInstances } from '../own.ts';
import { type Call, type Route, route } from '../route.ts';

const preview = z.object({
  matched: z.number(),
  ownBytes: z.number(),
  sample: z.array(z.string()),
  commandLine: z.string(),
});
const acted = z.object({
  matched: z.number(),
  done: z.number(),
  failed: z.array(z.object({ id: z.string(), reason: z.string() })),
});

/** What of it only operators may do: what deletes, or brings back. */
const OPERATORS: readonly ActionAsked['action'][] = ['prune', 'restore'];

/** One thing done with many instances. */
export const actionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/instances/actions',
    role: 'runner',
    ownOnly: true,
    ofPool: true,
    summary: 'Do one thing with many instances: those named, or all that match',
    description:
      'With `dryRun=true` it only tells how many they are, and what their deletion would free. With `match` (a filter as the ' +
      'list takes it) `confirm` is that number: where it has changed, nothing is done (409 MATCH_CHANGED). `prune` deletes ' +
      'them by a plan of just these: what is leased, pinned, in use or has unsaved work stays. `release` ends leases ' +
      'whoever has them: operators, as `prune` and `restore` are. The reason goes into the audit log.',
    query: actionQuerySchema,
    body: actionBodySchema,
    answers: {
      200: ['What came of it; with `dryRun` what it would be done with', z.union([acted, preview])],
    },
    handle: async (call) => {
      const asked = await ownOnly(call);
      if (call.query.dryRun) return call.pool.previewAction(asked);
      const { name, role } = call.caller;
      return call.pool.act(asked, { by: name, force: role === 'operator' });
    },
  }),
];

/** What is asked for, of a runner's own alone. Throws CheckError FORBIDDEN. */
async function ownOnly(call: Call<unknown, ActionAsked>): Promise<ActionAsked> {
  const { body: asked, caller } = call;
  if (caller.role === 'operator') return asked;
  if (OPERATORS.includes(asked.action)) throw forbidden(`${asked.action}: needs the role operator`);
  if (asked.ids !== null) await requireOwnInstances(call, asked.ids);
  if (asked.match === null) return asked;
  const { by = caller.name } = asked.match;
  if (by !== caller.name) throw forbidden(`match: by: a runner's token is for what was submitted with it`);
  return { ...asked, match: { ...asked.match, by } };
}
