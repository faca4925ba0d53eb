import type { Batch, LeaseLostError } from '../../src/index.ts';
import type { Client } from './serve.ts';

/** One instance with a short lease, held. */
export async function hold<T extends Client>(
  serve: () => Promise<T>,
  lease: string,
): Promise<T & { batch: Batch; lost: LeaseLostError[] }> {
  const served = await serve();
  const lost: LeaseLostError[] = [];
  served.spica.on('lease-lost', (error) => lost.push(error));
  const batch = await (await served.spica.spawn({ count: 1, lease })).ready();
  return { ...served, batch, lost };
}
