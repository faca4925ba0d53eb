import { tailAudit } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import { parseCount } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';

export interface AuditTailOptions {
  readonly lines: string;
}

/** `spica audit tail`: the audit log's last entries, one JSON object a line, oldest first. */
export async function auditTail({ io, options }: Invocation<AuditTailOptions>): Promise<number> {
  const lines = parseCount('-n', options.lines, { least: 1 });
  const { config } = await loadConfig(io, options);
  throw new Error('wait for tailAudit');
}
