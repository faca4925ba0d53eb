import { auditLineSchema, tailAudit } from '@spica/pool';

type AuditLine = ReturnType<typeof auditLineSchema.parse>;

/** An audit log's lines, oldest first, while others may be writing to it. */
export async function readAudit(path: string): Promise<AuditLine[]> {
  const lines = await tailAudit(path, Number.POSITIVE_INFINITY);
  return lines.map((line) => auditLineSchema.parse(JSON.parse(line)));
}
