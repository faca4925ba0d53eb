import { auditLineSchema, tailAudit } from '@spica/pool';

type AuditLine = ReturnType<typeof auditLineSchema.parse>;

/** An audit log's lines, oldest first, while others may be writing to it. */
export async function readAudit(path: string): Promise<AuditLine[]> {
  const lines = await tailAudit(path, Number.POSITIVE_INFINITY);
  return lines.map((line) => auditLineSchema.parse(JSON.parse(line)));
}

/** Why a request was held when it was so first, by an audit log; undefined where it was not. */
export async function whyHeld(path: string, id: string): Promise<string | null | undefined> {
  const lines = await readAudit(path);
  return lines.find(({ action, request }) => action === 'hold_request' && request === id)?.reason;
}
