import { judgeLineage, searchAudit, searchAuditAfter } from '@spica/pool';
import type {
  Ask,
  AuditPage,
  AuditRecord,
  LineageVerdict,
  Preview,
  PrunePlan,
  WhatIfPlan,
} from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { previewAdmission, previewPrune } from '../preview.ts';
import { reportPlan } from '../pruner/report.ts';
import { planWhatIf } from '../pruner/what-if.ts';

/** Tells what was asked of the pool. Throws what the previews throw: UsageError TEMPLATE_UNKNOWN, for one. */
export async function answer(
  ctx: ServedContext,
  ask: Ask,
): Promise<Preview | PrunePlan | LineageVerdict | WhatIfPlan | AuditPage> {
  if ('preflight' in ask) return previewAdmission(ctx, ask.preflight);
  if ('verify' in ask) return judgeLineage(ctx.pool, ask.verify.id);
  if ('audit' in ask) return readAudit(ctx, ask.audit);
  if ('whatIf' in ask) return planWhatIf(ctx, ask.whatIf);
  const planned = await previewPrune(ctx, ask.plan);
  const report = reportPlan(ctx.pool.name, { ...planned, offline: false, ids: ask.plan.ids ?? [] });
  return { ...report, policy: planned.policy };
}

/** Bytes of an answer, as JSON: it stands in Redis for a while. */
const MOST_BYTES = 128_000;

type AuditAsked = Extract<Ask, { audit: unknown }>['audit'];

/** What the log says of this pool, and of itself; other pools of this process write to it too. */
async function readAudit(
  { audit, pool }: ServedContext,
  { limit, after, before, filter: asked }: AuditAsked,
): Promise<AuditPage> {
  const filter = { ...asked, pool: pool.name };
  if (after !== null) {
    const newer = await searchAuditAfter(audit.path, { filter, limit, after });
    return { items: newer.slice(0, countThatFit(newer)), next: null };
  }
  const found = await searchAudit(audit.path, { filter, limit, before });
  const { entries } = found;
  const items = entries.slice(entries.length - countThatFit(entries.toReversed()));
  const next = items.length < entries.length ? (items[0]?.seq ?? null) : found.before;
  return { items, next: next === null ? null : String(next) };
}

/** How many of them, from the first on, an answer takes; one at the least. */
function countThatFit(records: readonly AuditRecord[]): number {
  let bytes = 0;
  const over = records.findIndex((record) => {
    bytes += Buffer.byteLength(JSON.stringify(record));
    return bytes > MOST_BYTES;
  });
  return over < 0 ? records.length : Math.max(1, over);
}
