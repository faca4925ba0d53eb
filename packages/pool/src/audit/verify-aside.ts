import { inThread } from '../threads/threads.ts';
import type { AuditVerdict } from './verify.ts';

/** As `verifyAudit`, in another thread: a long log takes seconds of a processor. */
export function verifyAuditAside(path: string): Promise<AuditVerdict> {
  return inThread('verifyAudit', { path });
}
