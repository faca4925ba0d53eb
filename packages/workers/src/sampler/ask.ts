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
  return reportPlan(ctx.pool.name, { ...planned, offline: false, ids: ask.plan.ids ?? [] });
}

/** So many lines of the log are looked through for one answer. */
const MOST_LINES = 100_000;

/** Bytes of an answer, as JSON: it stands in Redis for a while. */
const MOST_BYTES = 128_000;

/** What the log says of this pool, and of itself; other pools of this process write to it too. */
async function readAudit(
  { audit, pool }: ServedContext,
  { limit, after }: { readonly limit: number; readonly after: number | null },
): Promise<AuditRecord[]> {
  if (after !== null) {
    const newer = ofPool(await readAuditAfter(audit.path, after), pool.name, limit);
    return newer.slice(0, countThatFit(newer));
  }
  for (let count = limit; ; count *= 4) {
    const lines = await tailAudit(audit.path, count);
    const found = ofPool(lines, pool.name);
    if (found.length < limit && lines.length === count && count < MOST_LINES) continue;
    const newest = found.slice(-limit);
    return newest.slice(newest.length - countThatFit(newest.toReversed()));
  }
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

/** The first `most`. What is no entry is left out: `spica audit verify` names it. */
function ofPool(lines: readonly string[], pool: string, most = Number.POSITIVE_INFINITY): AuditRecord[] {
  const found: AuditRecord[] = [];
  for (const line of lines) {
    if (found.length >= most) break;
    const entry = auditLineSchema.safeParse(parse(line)).data;
    if (entry && (entry.pool === null || entry.pool === pool)) found.push(entry);
  }
  return found;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
