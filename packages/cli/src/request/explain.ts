import { createCatalog } from '@spica/catalog';
import type { RequestView } from '@spica/client';
import { readRequest } from '@spica/client/redis';
import { type Config, toKnownError } from '@spica/core';
import { auditLineSchema, auditPathOf, tailAudit } from '@spica/pool';
import { countWorkers, type PoolQueues, type Preview } from '@spica/queues';
import { previewAdmission } from '@spica/workers';
import type { Redis } from 'ioredis';
import { withPool } from '../context/with-pool.ts';
import type { Invocation } from '../io.ts';

/** The sum for a request as things stand now; `problem` says why it cannot be made here. */
type SumNow = Preview | { readonly problem: string };

type AuditLine = ReturnType<typeof auditLineSchema.parse>;

/** Where a request stands, and all that is known of why. */
export interface Explanation extends RequestView {
  /** Whether a worker serves its pool, or Redis does not tell. */
  readonly served: boolean;
  /** Null once it is not the gate's to decide any more. */
  readonly now: SumNow | null;
  /** What the gate said of it, in order: each reason once. */
  readonly history: readonly string[];
  /** What the audit log says of it, as far as it lies on this host; oldest first. */
  readonly audit: readonly AuditLine[];
}

/** So many entries of the audit log are looked through, from its end. */
const LOOK_BACK = 20_000;

/** Gathers what is known of a request. Throws CheckError REQUEST_UNKNOWN. */
export async function explainRequest(
  invocation: Invocation,
  id: string,
  { queues, redis, config, pool }: { queues: PoolQueues; redis: Redis; config: Config; pool: string },
): Promise<Explanation> {
  const catalog = createCatalog({ redis, pool });
  const view = await readRequest({ queues, name: pool, catalog }, id);
  const [workers, { logs }, audit, now] = await Promise.all([
    countWorkers(redis, pool),
    queues.gate.getJobLogs(id),
    auditOf(config, id),
    isUndecided(view) && view.request ? sumNow(invocation, id, view.request) : null,
  ]);
  return { ...view, served: workers.gate !== 0, now, history: logs, audit };
}

/** Whether the gate has yet to let it in: afterwards the sum is another one's. */
function isUndecided({ endedAt, progress }: RequestView): boolean {
  return (
    endedAt === null && (progress === null || ['preparing', 'reclaiming', 'held'].includes(progress.phase))
  );
}

async function sumNow(
  invocation: Invocation,
  id: string,
  request: NonNullable<RequestView['request']>,
): Promise<SumNow> {
  const { template, count, experiment, replicas } = request;
  try {
    return await withPool(invocation, (ctx) =>
      previewAdmission(ctx, { id, template, count, experiment, replicas }),
    );
  } catch (error) {
    const problem = toKnownError(error);
    if (problem) return { problem: problem.message }; // its pool is on another host, for one
    throw error;
  }
}

async function auditOf(config: Config, id: string): Promise<AuditLine[]> {
  const path = auditPathOf({ path: config.audit.path, stateDir: config.stateDir });
  const lines = await tailAudit(path, LOOK_BACK);
  // Most lines are about others: recognised by their text, without reading each as JSON.
  return lines.filter((line) => line.includes(id)).flatMap((line) => readLine(line, id));
}

function readLine(line: string, id: string): AuditLine[] {
  try {
    const entry = auditLineSchema.safeParse(JSON.parse(line)).data;
    return entry?.request === id ? [entry] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return []; // `spica audit verify` names it
    throw error;
  }
}
