import { CheckError, cloneMethodSchema, instanceRecordSchema } from '@spica/core';
import * as z from 'zod';

const amount = z.coerce.number().min(0).default(0);

export const totalsSchema = z.object({
  bytes: amount,
  inodes: amount,
  slots: amount,
  settledBytes: amount,
  settledInodes: amount,
});

/** What is left of a request's reservation: `slots` times so many bytes and inodes each. */
export const reservationSchema = z.strictObject({
  fingerprint: z.string(),
  bytes: z.number().min(0),
  inodes: z.number().min(0),
  slots: z.int().min(0),
  at: z.number(),
});

export const heldSchema = z.strictObject({ at: z.number(), reason: z.string(), count: z.number() });

export const identitySchema = z.object({ id: z.string(), method: cloneMethodSchema });

/** Reads JSON that the catalog keeps. Throws CheckError CATALOG_CORRUPT that names the key. */
export function readJson<T>(schema: z.ZodType<T>, key: string, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw corrupt(key, cause);
  }
}

export function readRecord(key: string, text: string) {
  return readJson(instanceRecordSchema, key, text);
}

export function corrupt(key: string, cause: unknown): CheckError {
  return new CheckError('CATALOG_CORRUPT', `the catalog's ${key} cannot be read: ${cause}`, { key }, cause);
}
