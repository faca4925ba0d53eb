import { countOf, type WorkEvent } from '@spica/core';
import { type AuditLog, verifyAuditAside } from '@spica/pool';
import type { Logger } from 'pino';

/** The first check waits until the start is over. */
const FIRST_MS = 10_000;
/** The whole log is read each time, which may be 700 MB: seldom, and in a thread of its own. */
const EVERY_MS = 3_600_000;

interface WatchOptions {
  readonly log: Pick<AuditLog, 'path'>;
  readonly logger: Pick<Logger, 'error' | 'warn'>;
  readonly emit: (event: WorkEvent) => void;
  readonly firstMs?: number;
  readonly everyMs?: number;
}

/**
 * Checks the audit log's chain after the start and every hour, so that somebody hears of it when a line was changed or
 * removed. Call the result to end it; a check that is under way holds up nothing.
 */
export function watchAudit(options: WatchOptions): () => void {
  const { log, logger, emit, firstMs = FIRST_MS, everyMs = EVERY_MS } = options;
  let closed = false;
  let known = 0;
  const check = async () => {
    const { problems } = await verifyAuditAside(log.path);
    if (closed) return;
    if (problems.length > known) {
      const what = `the audit log's chain does not hold in ${countOf(problems.length, 'place')}`;
      logger.error({ problems: problems.slice(0, 3) }, what);
    }
    known = problems.length;
    emit({ kind: 'audit-checked', pool: null, problems });
  };
  const checkIn = (ms: number): NodeJS.Timeout =>
    setTimeout(async () => {
      await check().catch((error: unknown) => {
        logger.warn({ err: error }, "the audit log's chain could not be checked");
      });
      if (!closed) timer = checkIn(everyMs);
    }, ms).unref();
  let timer = checkIn(firstMs);
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}
