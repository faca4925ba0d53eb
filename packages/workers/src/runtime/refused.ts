import { CheckError } from '@spica/core';
import { redisRefusalOf } from '@spica/queues';

/** Whether Redis refused a command because of the state that it is in: the same command may be tried again. */
export function isRefusedByRedis(error: unknown): boolean {
  return redisRefusalOf(error)?.passes ?? false;
}

/** Whether the audit log could not be written: what had to be in it first was not done, and may be tried again. */
export function isUnaudited(error: unknown): boolean {
  return error instanceof CheckError && error.code === 'AUDIT_UNWRITABLE';
}
