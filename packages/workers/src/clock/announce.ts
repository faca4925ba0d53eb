import type { Audit } from '@spica/pool';
import type { Logger } from 'pino';

/** Says in both logs that rules of age are suspended, for which reason, or (null) in force again. */
export async function announceClock(
  audit: Audit,
  { logger }: { readonly logger: Logger },
  reason: string | null,
): Promise<void> {
  const outcome = reason === null ? 'in force again' : 'suspended';
  await audit.append({
    action: 'age_rules',
    reason: reason ?? 'the clocks agree, or an operator vouched',
    outcome,
  });
  logger.warn({ reason }, reason === null ? 'rules of age are in force again' : 'rules of age are suspended');
}
