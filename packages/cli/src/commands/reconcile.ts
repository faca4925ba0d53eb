import { countOf, systemClock, UsageError } from '@spica/core';
import { type ReconcileResult, runServedJob } from '@spica/queues';
import { compare } from '@spica/workers';
import { withCatalog } from '../context/catalog.ts';
import { withQueues } from '../context/queues.ts';
import { withPool } from '../context/with-pool.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { toDriftJson, writeDrift } from '../output/drift.ts';
import { sayWhile } from '../output/waiting.ts';
import { writeFields, writeJson } from '../output/write.ts';
import { untilInterrupted } from '../wait/served-job.ts';

export interface ReconcileOptions {
  readonly dryRun?: boolean;
  readonly endGrace?: boolean;
}

/**
 * `spica reconcile`: has the worker bring the catalog into line with the disk; a dry run prints where they differ.
 * `--end-grace` ends the time for which nothing is deleted after Redis was lost.
 */
export async function reconcile(invocation: Invocation<ReconcileOptions>): Promise<number> {
  const { dryRun, endGrace } = invocation.options;
  if (dryRun && endGrace) {
    throw new UsageError('FLAG_CONFLICT', '--end-grace: expected without --dry-run', { flag: '--end-grace' });
  }
  if (dryRun) return showDrift(invocation);
  return endGrace ? endGraceNow(invocation) : mend(invocation);
}

/** An operator vouches for it that no lease was lost which is not in a record. */
function endGraceNow(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  return withCatalog(invocation, async ({ policy, catalog }) => {
    const reconciled = await catalog.reconciled();
    const now = systemClock.now();
    const until = reconciled && reconciled.graceUntil > now ? toIso(reconciled.graceUntil) : null;
    if (reconciled && until !== null) {
      await catalog.markReconciled({ ...reconciled, graceUntil: now });
      const reason = `deletions were held until ${until}; ended by ${parseWho('--by', undefined)}`;
      await catalog.leaveNote({ action: 'end_grace', reason, at: toIso(now), outcome: 'ended' });
    }
    if (options.json) writeJson(io.stdout, { pool: policy.name, endedGraceUntil: until });
    else if (reconciled === null) io.stderr.write('the disk has not been reconciled yet: start `spica up`\n');
    else if (until === null) io.stderr.write('nothing is held back: instances may be deleted\n');
    else io.stdout.write(`instances may be deleted again; that was held back until ${until}\n`);
    return 0;
  });
}

function showDrift(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  return withPool(invocation, async (ctx) => {
    const drift = await sayWhile(io, 'comparing', () => compare(ctx));
    if (options.json) writeJson(io.stdout, { pool: ctx.policy.name, dryRun: true, ...toDriftJson(drift) });
    else writeDrift(io, drift);
    return 0;
  });
}

function mend(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  return withQueues(invocation, async ({ policy, queues, redis }) => {
    const payload = { pool: policy.name, cause: 'reconcile' } as const;
    const result = (await untilInterrupted(io, { queue: 'prune', doing: 'reconciling' }, (signal) =>
      runServedJob(queues, 'prune', payload, { redis, signal }),
    )) as ReconcileResult;
    const { graceUntil, unknownDirectories, brokenRecords, ...counts } = result;
    if (options.json) {
      const until = graceUntil > 0 ? toIso(graceUntil) : null;
      writeJson(io.stdout, {
        pool: policy.name,
        dryRun: false,
        ...counts,
        unknownDirectories,
        brokenRecords,
        graceUntil: until,
      });
      return 0;
    }
    writeFields(io.stdout, [
      [
        'adopted',
        `${counts.adopted}${counts.flagged > 0 ? `, of which ${countOf(counts.flagged, 'is', 'are')} flagged` : ''}`,
      ],
      ['buried', String(counts.buried)],
      ['given back', countOf(counts.givenBack, 'reservation')],
      ['records removed', String(counts.recordsRemoved)],
    ]);
    for (const { name, reason } of unknownDirectories)
      io.stderr.write(`left alone: ${JSON.stringify(name)}: ${reason}\n`);
    for (const { name, reason } of brokenRecords) io.stderr.write(`left alone: ${name}: ${reason}\n`);
    return 0;
  });
}
