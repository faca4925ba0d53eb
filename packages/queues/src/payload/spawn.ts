import * as z from 'zod';

/** A `prepare` job of the spawn queue: bring the prepared snapshot of a template up to date. */
export const preparePayloadSchema = z.strictObject({
  pool: z.string().min(1),
  request: z.string().min(1),
  template: z.string().min(1),
});
export type PreparePayload = z.infer<typeof preparePayloadSchema>;

/** A `spawn` job of the spawn queue: one instance of an admitted request. The rest is in the request's own job. */
export const spawnPayloadSchema = z.strictObject({
  pool: z.string().min(1),
  request: z.string().min(1),
  index: z.int().min(0),
});
export type SpawnPayload = z.infer<typeof spawnPayloadSchema>;

/**
 * The snapshot that is up to date now, with what its request's submitter should know of it, in sentences; or what it would
 * take where there is no room for it.
 */
export type PrepareResult =
  | { readonly fingerprint: string; readonly notes: readonly string[] }
  | { readonly short: { readonly bytes: number; readonly inodes: number } };

export interface SpawnResult {
  readonly id: string;
  readonly path: string;
}
