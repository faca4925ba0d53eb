import { type Config, SpicaError } from '@spica/core';
import type { createLogger, Notifier, Runtime } from '@spica/workers';

export interface ReloadOptions {
  /** Reads the config anew. Throws UsageError where it cannot be used. */
  readonly load: () => Promise<Config>;
  readonly runtime: Pick<Runtime, 'reconfigure'> & Pick<Notifier, 'configure'>;
  readonly logger: ReturnType<typeof createLogger>;
}

/**
 * Reads the config again, has the runtime take over what can change while it runs, and logs that and what needs a
 * restart. A config that cannot be used changes nothing, and the log says why. Never throws.
 */
export async function reloadConfig({ load, runtime, logger }: ReloadOptions): Promise<void> {
  const after = await load().catch((error: unknown) => {
    const reason = error instanceof SpicaError ? error.message : String(error);
    logger.error({ reason }, 'the config cannot be used as it is now; nothing has changed');
    return null;
  });
  if (after === null) return;
  try {
    await runtime.configure(after); // first: where a secret is missing, nothing has changed
    const { live, needsRestart } = await runtime.reconfigure(after);
    logger.info({ changed: live }, live.length > 0 ? 'the config has changed' : 'the config was read again');
    if (needsRestart.length > 0)
      logger.warn({ settings: needsRestart }, 'these settings change with the next start');
  } catch (error) {
    logger.error({ err: error }, 'the config was read again, but not all of it could be taken over');
  }
}
