import type { Clock, WorkEvent } from '@spica/core';
import { type AuditLog, type CheckedTo, singleFlight, verifyAuditAside } from '@spica/pool';
import type { Logger } from 'pino';
import type { ServedContext } from '../context.ts';

/** What was added is checked so often. */
const EVERY_MS = 60_000;
/** The whole log is, so often: what was changed in its past shows only then. */
const WHOLE_EVERY_MS = 24 * 3_600_000;

export interface AuditWatch {
  /** Checks what there is now; calls at the same time share it. Never rejects. */
  check(): Promise<void>;
  close(): Promise<void>;
}

interface AuditWatchOptions {
  readonly log: Pick<AuditLog, 'path'>;
  readonly pools: readonly ServedContext[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly emit: (event: WorkEvent) => void;
}

/**
 * Checks the chain of the audit log, in a thread: what was added once a minute, all of it at the start and once a day. What
 * was found is published with each pool's figures. A chain that was found broken stays so until all of it is checked again.
 */
export function watchAudit({ log, pools, clock, logger, emit }: AuditWatchOptions): AuditWatch {
  let before: { readonly path: string; readonly to: CheckedTo | null; readonly wholeAt: number } | null =
    null;
  let problem: string | null = null;

  const check = singleFlight(async () => {
    const [{ path }, now] = [log, clock.now()];
    const isWhole = before === null || before.path !== path || now - before.wholeAt >= WHOLE_EVERY_MS;
    try {
      const { lines, problems, checked } = await verifyAuditAside(
        path,
        isWhole ? null : (before?.to ?? null),
      );
      const [found = null] = problems;
      if (found !== null && problem === null) {
        logger.error({ problem: found, path }, 'the chain of the audit log does not hold');
      }
      problem = found ?? (isWhole ? null : problem);
      before = { path, to: checked, wholeAt: isWhole ? now : (before?.wholeAt ?? now) };
      emit({ kind: 'audit-checked', pool: null, problems: problem === null ? [] : [problem] });
      for (const { gate, publisher } of pools) {
        gate.auditCheck = { checkedAt: clock.now(), entries: lines, problem };
        publisher.soon();
      }
    } catch (error) {
      logger.warn({ err: error, path }, 'the chain of the audit log could not be checked');
    }
  });

  let running = check();
  const timer = setInterval(() => {
    running = check();
  }, EVERY_MS).unref();
  return {
    check,
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
