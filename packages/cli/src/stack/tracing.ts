import type { Config } from '@spica/core';
import type { createLogger } from '@spica/workers';

type Logger = ReturnType<typeof createLogger>;

/** Traces that go out as they end. */
export interface Tracing extends AsyncDisposable {
  /** Sends what has not gone out yet, within two seconds. */
  close(): Promise<void>;
}

const NONE: Tracing = {
  close: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};

/**
 * Begins to trace what this process does with queues, where the config has an endpoint for it; to be called before any is
 * opened. Without one nothing is loaded. `logger` hears of spans that could not be sent; a command says nothing of them.
 */
export async function startTracing(
  { otel }: Pick<Config, 'otel'>,
  logger: Pick<Logger, 'warn'> | null = null,
): Promise<Tracing> {
  if (otel.endpoint === null) return NONE;
  const { openTracing } = await import('./otel.ts');
  return openTracing(otel.endpoint, logger);
}
