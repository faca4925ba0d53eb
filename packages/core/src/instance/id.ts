import { createHash } from 'node:crypto';

const INSTANCE_ID = /^spica-[0-9a-f]{4,64}$/;

/** Whether a name is one that an instance's directory may have. Anything else under a pool's root is not Spica's. */
export function isInstanceId(name: string): boolean {
  return INSTANCE_ID.test(name);
}

/**
 * The id of instance `index` (0-based) of a request: the same for every run of the same job, so a spawn that is
 * repeated after a crash finds its own directory instead of making a second one. 48 bits of SHA-256.
 */
export function instanceIdOf(pool: string, request: string, index: number): string {
  return `spica-${digest(pool, request, index).toString('hex').slice(0, 12)}`;
}

/** The seed (uint32) of an instance, fixed by the same three things as its id. */
export function seedOf(pool: string, request: string, index: number): number {
  return digest(pool, request, index).readUInt32BE(8);
}

function digest(pool: string, request: string, index: number): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([pool, request, index]))
    .digest();
}
