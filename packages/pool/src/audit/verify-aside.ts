import { inThread } from '../threads/threads.ts';
import type { AuditVerdict, CheckedTo } from './verify.ts';

/** `verifyAudit` in a thread of its own: a log of all its rotated files takes many seconds to hash. */
export function verifyAuditAside(path: string, after: CheckedTo | null): Promise<AuditVerdict> {
  return inThread('audit', { path, after });
}
