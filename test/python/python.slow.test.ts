import { join } from 'node:path';
import { planReplicas, replicaPlanHash } from '@spica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT, type PythonSite, pythonMissing, servePython } from './served.ts';

const name = `the Python client${pythonMissing === null ? '' : ` (skipped: ${pythonMissing})`}`;

describe.skipIf(pythonMissing !== null)(name, () => {
  let served: PythonSite;
  beforeAll(async () => {
    served = await servePython();
  }, 120_000);
  afterAll(() => served.close());

  it.each(['test_client', 'test_spawn'])(
    'passes its own tests against a served pool: %s',
    async (module) => {
      const tests = join(CLIENT, 'test');
      const args = ['-W', 'error', '-m', 'unittest', '-v', module];
      const { exitCode, stderr } = await served.python(args, { PYTHONPATH: `${CLIENT}:${tests}` });
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toMatch(/Ran \d\d? tests/);
    },
    240_000,
  );

  it('has the replica plan, and its hash, that the TypeScript client has', async () => {
    const instances = ['spica-00000000000a', 'spica-00000000000b'];
    const qtime = { epochs: 2, slices_per_epoch: 2, replicas_per_slice: 3 };
    const script = `
import json, sys, spica_spawn
plan = spica_spawn.plan_replicas(*json.loads(sys.argv[1]))
print(json.dumps([plan, spica_spawn.replica_plan_hash(plan)]))`;
    const { stdout, stderr } = await served.python(['-c', script, JSON.stringify([instances, qtime])]);
    const plan = planReplicas(instances, qtime);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([plan, replicaPlanHash(plan)]);
  });
});
