import { auditLineSchema, judgeLineage, readAuditAfter, tailAudit } from '@spica/pool';
import type { Ask, AuditRecord, LineageVerdict, Preview, PrunePlan } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { previewAdmission, previewPrune } from '../preview.ts';
import { reportPlan } from '../pruner/report.ts';

/** Tells what was asked of the pool. Throws what the previews throw: UsageError TEMPLATE_UNKNOWN, for one. */
export async function answer(
  ctx: ServedContext,
  ask: Ask,
): Promise<Preview | PrunePlan | LineageVerdict | AuditRecord[]> {
  if ('preflight' in ask) return previewAdmission(ctx, ask.preflight);
  if ('verify' in ask) return judgeLineage(ctx.pool, ask.verify.id);
  if ('audit' in ask) return readAudit(ctx, ask.audit);
  const planned = await previewPrune(ctx, ask.plan);
  return reportPlan(ctx.pool.name, { ...planned, offline: false });
}

/** So many lines of the log are looked through for one answer. */
const MOST_LINES = 100_000;

/** What the log says of this pool, and of itself; other pools of this process write to it too. */
async function readAudit(
  { audit, pool }: ServedContext,
  { limit, after }: { readonly limit: number; readonly after: number | null },
): Promise<AuditRecord[]> {
  if (after !== null) return ofPool(await readAuditAfter(audit.path, after), pool.name).slice(0, limit);
  for (let count = limit; ; count *= 4) {
    const lines = await tailAudit(audit.path, count);
    const found = ofPool(lines, pool.name);
    if (found.length >= limit || lines.length < count || count >= MOST_LINES) return found.slice(-limit);
  }
}

/** What is no entry is left out: `spica audit verify` names it. */
function ofPool(lines: readonly string[], pool: string): AuditRecord[] {
  return lines.flatMap((line) => {
    const entry = auditLineSchema.safeParse(parse(line)).data;
    return entry && (entry.pool === null || entry.pool === pool) ? [entry] : [];
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
