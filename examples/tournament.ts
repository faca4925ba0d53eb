// A tournament: candidates that come up all or none, replicas by a plan that is the same each time, one champion. Run it
// where the pool is: `node tournament.ts`.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ReplicaOutcome, Spica } from '@spica/client';

await using spica = await Spica.connect();
await using tournament = await spica.tournament({
  suiteId: 'qa.rag.gold',
  candidates: [{ LR: 0.1 }, { LR: 0.03 }, { LR: 0.01 }],
  qtime: { epochs: 1, slicesPerEpoch: 2, replicasPerSlice: 2 },
}); // abandoned at the end of the block, unless it is finished

const results: ReplicaOutcome[] = [];
const sums = new Map<string, number>();
for (const { replica_id, instance_id, slice } of tournament.plan.replicas) {
  const instance = tournament.instances.find(({ id }) => id === instance_id);
  instance?.signal.throwIfAborted(); // its lease was lost
  const { params } = JSON.parse(await readFile(join(instance?.path ?? '', 'manifest.json'), 'utf8'));
  const f1 = 1 - Math.abs(params.LR - 0.03) - slice / 100; // what an evaluator would measure
  results.push({ replica_id, instance_id, status: 'pass', metrics: { f1 } });
  sums.set(instance_id, (sums.get(instance_id) ?? 0) + f1);
}

const each = tournament.plan.total_replicas / tournament.instances.length;
const scores = Object.fromEntries([...sums].map(([id, sum]) => [id, sum / each]));
const record = await tournament.finish({ scores, results });
console.log(JSON.stringify(record, null, 2));
