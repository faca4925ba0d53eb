import type { ReconcileResult } from '@spica/queues';
import { compare } from '@spica/workers';
import { withPool } from '../context/look.ts';
import { withQueues } from '../context/queues.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { toDriftJson, writeDrift } from '../output/drift.ts';
import { writeFields, writeJson } from '../output/write.ts';
import { runServedJob } from '../wait/served-job.ts';

export interface ReconcileOptions {
  readonly dryRun?: boolean;
}

/** `spica reconcile`: has the worker bring the catalog into line with the disk; a dry run prints where they differ. */
export async function reconcile(invocation: Invocation<ReconcileOptions>): Promise<number> {
  return invocation.options.dryRun ? showDrift(invocation) : mend(invocation);
}

function showDrift(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  return withPool(invocation, async (ctx) => {
    const drift = await compare(ctx);
    if (options.json) writeJson(io.stdout, { pool: ctx.policy.name, dryRun: true, ...toDriftJson(drift) });
    else writeDrift(io, drift);
    return 0;
  });
}

function mend(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  return withQueues(invocation, async ({ policy, queues, redis }) => {
    const payload = { pool: policy.name, cause: 'reconcile' } as const;
    const result = (await runServedJob(queues, 'prune', payload, { io, redis })) as ReconcileResult;
    const { graceUntil, strangers, brokenRecords, ...counts } = result;
    if (options.json) {
      const until = graceUntil > 0 ? toIso(graceUntil) : null;
      writeJson(io.stdout, {
        pool: policy.name,
        dryRun: false,
        ...counts,
        strangers,
        brokenRecords,
        graceUntil: until,
      });
      return 0;
    }
    writeFields(io.stdout, [
      ['adopted', `${counts.adopted}${counts.flagged > 0 ? `, of which ${counts.flagged} are flagged` : ''}`],
      ['buried', String(counts.buried)],
      ['given back', `${counts.givenBack} reservations`],
      ['records removed', String(counts.recordsRemoved)],
    ]);
    for (const { name, reason } of strangers)
      io.stderr.write(`left alone: ${JSON.stringify(name)}: ${reason}\n`);
    for (const { name, reason } of brokenRecords) io.stderr.write(`left alone: ${name}: ${reason}\n`);
    return 0;
  });
}
