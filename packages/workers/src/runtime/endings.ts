import pTimeout from 'p-timeout';
import type { Logger } from 'pino';

/** All that is still to be told Redis at the end may take so long together, as Redis may be away. */
const TELLING_MS = 5_000;
/** Each thing has at least this. */
const MOMENT_MS = 500;

export interface Endings {
  /** Has this done at the end. What fails keeps nothing else from its end; it is logged. */
  atEnd(what: string, end: () => Promise<void>): void;
  /** The same for an end that Redis is told. Where Redis does not answer in time, the next one goes on. */
  atEndTell(what: string, tell: () => Promise<void>): void;
}

/** How what was begun is ended: what is added to `begun` last ends first. */
export function endingsOf(begun: AsyncDisposableStack, logger: Logger): Endings {
  let tellingUntil: number | null = null;
  const atEnd: Endings['atEnd'] = (what, end) =>
    begun.defer(() => end().catch((err: unknown) => logger.error({ err }, `${what} failed to end`)));
  return {
    atEnd,
    atEndTell: (what, tell) =>
      atEnd(what, async () => {
        tellingUntil ??= performance.now() + TELLING_MS;
        if (await endsWithin(tell(), Math.max(MOMENT_MS, tellingUntil - performance.now()))) return;
        logger.warn(`ending ${what}: no answer from Redis in time`);
      }),
  };
}

/** Whether work ends within so many milliseconds; at least one is waited. Rejects where the work does; it is not stopped. */
export function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  return pTimeout(
    work.then(() => true),
    { milliseconds: Math.max(1, ms), fallback: () => false },
  );
}
