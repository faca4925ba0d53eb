import { CheckError } from '@spica/core';

/** What Redis says when it takes no writes for now: its disk or memory is full, it is loading, or it follows another. */
const REFUSAL =
  /\b(MISCONF|OOM|READONLY|LOADING|BUSY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|TRYAGAIN|EXECABORT)\b/;

/** Whether Redis refused a command for reasons that say nothing of the command, or of whoever sent it. */
export function isRefusedByRedis(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && REFUSAL.test(error.message);
}

/** Whether the audit log could not be written: what had to be in it first was not done, and may be tried again. */
export function isUnaudited(error: unknown): boolean {
  return error instanceof CheckError && error.code === 'AUDIT_UNWRITABLE';
}
