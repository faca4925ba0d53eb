import type { Catalog } from '@spica/catalog';
import type { PoolConfig, Space } from '@spica/core';
import type { ImageHost } from '@spica/pool';
import type { PoolQueues } from '@spica/queues';
import type { Redis } from 'ioredis';

/** A pool as the server looks at it. Who serves it, and on which host, makes no difference. */
export interface ServerPool {
  readonly policy: Pick<PoolConfig, 'name' | 'retention' | 'disk'>;
  readonly redis: Redis;
  readonly queues: PoolQueues;
  readonly catalog: Catalog;
  /** The pool's filesystem as it is now. Rejects, saying why, where it cannot be looked at from this host. */
  readSpace(): Promise<Space>;
  /** Whether it lives in an image, and the disk that takes more as it fills (`readImageHost`). */
  readImage(): Promise<{ readonly inImage: boolean; readonly host: ImageHost | null }>;
}
