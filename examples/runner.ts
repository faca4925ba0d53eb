// The smallest runner: two instances, each worked in, scored, and let go. Run it where the pool is: `node runner.ts`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Spica } from '@spica/client';

await using spica = await Spica.connect();
const request = await spica.spawn({ count: 2, params: { LR: 0.1 }, experiment: 'smallest', lease: '10m' });
await using batch = await request.ready(); // the leases renew themselves, and end with the block
for (const [at, instance] of batch.instances.entries()) {
  await writeFile(join(instance.path, 'result.txt'), `run ${at}\n`, { signal: instance.signal });
  await instance.score(at);
  console.log(`${instance.id} ${at}`);
}
