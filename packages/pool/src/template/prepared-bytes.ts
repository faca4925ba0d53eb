import type { Pool } from '../layout.ts';
import { createKnown } from './known.ts';

/** Bytes that a pool's prepared snapshots take, as its disk says now. */
export function readPreparedBytes({ paths }: Pool): Promise<number> {
  return createKnown(paths.templates).totalBytes();
}
