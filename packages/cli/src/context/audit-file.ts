import { stat } from 'node:fs/promises';
import { type ResolvedConfig, UsageError } from '@spica/core';

/**
 * Throws UsageError CONFIG_INVALID where `audit.path` names something that is there and keeps no log, such as `/dev/null`.
 * Whether a file can be written, or made, is seen when the log is opened: it goes on elsewhere where it cannot.
 */
export async function requireAuditFile({ config, effective }: ResolvedConfig): Promise<void> {
  const { path } = config.audit;
  if (path === null) return;
  const found = await stat(path).catch(() => null);
  if (found === null || found.isFile()) return;
  const kind = found.isDirectory() ? 'a directory' : 'no file that keeps what is written';
  const { source } = effective.find((setting) => setting.path === 'audit.path') ?? {};
  const message = `audit.path: expected a regular file, or a path where one can be made, got ${JSON.stringify(path)}, which is ${kind} (${source})`;
  throw new UsageError('CONFIG_INVALID', message, { problems: [message] });
}
