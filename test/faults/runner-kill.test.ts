import { once } from 'node:events';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { instancesOnDisk } from '../support/pool.ts';
import { makeSite, type Site } from '../support/site.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Spawns with a lease of some seconds, tells the ids, and holds them for as long as it lives. */
const RUNNER = `
  import { Spica } from '@spica/client';
  const spica = await Spica.connect();
  const request = await spica.spawn({ count: Number(process.argv[1]), lease: '20s' });
  const { instances } = await request.ready();
  for (const { signal } of instances) signal.addEventListener('abort', () => console.log('lost'));
  console.log(JSON.stringify(instances.map(({ id }) => id)));
  setInterval(() => undefined, 1_000);
`;

let site: Site;
const runners: { kill(signal: NodeJS.Signals): boolean }[] = [];
afterEach(async () => {
  for (const runner of runners.splice(0)) runner.kill('SIGKILL');
  await site.close();
});

/** Starts a runner of its own process; resolves once it holds its instances. */
async function startRunner(count: number) {
  const args = ['--input-type=module', '-e', RUNNER, String(count)];
  const runner = execa(process.execPath, args, { cwd: ROOT, env: site.env, reject: false });
  runners.push(runner);
  const [first] = (await Promise.race([once(runner.stdout, 'data'), runner])) as [Buffer];
  const ids: string[] = JSON.parse(String(first));
  return { runner, ids };
}

it('the leases of a runner that is killed end, who waits is served, and nothing of a runner that lives is touched', async () => {
  site = await makeSite({ retention: { max_instances: 9, keep_after_lease: '0s' } });
  await site.up();
  const living = await startRunner(1);
  const killed = await startRunner(8);
  expect([living.ids.length, killed.ids.length]).toEqual([1, 8]);
  killed.runner.kill('SIGKILL');
  const { exitCode, stdout } = await site.spica('spawn', '-n', '8', '--json', '--max-wait', '50s');
  expect(exitCode).toBe(0);
  const spawned = (JSON.parse(stdout) as { instances: { id: string }[] }).instances.map(({ id }) => id);
  expect((await instancesOnDisk(site.pool)).toSorted()).toEqual([...living.ids, ...spawned].toSorted());
  const shown = JSON.parse((await site.spica('show', living.ids[0] ?? '', '--json')).stdout);
  expect(shown).toMatchObject({ lease: { inForce: true } });
  living.runner.kill('SIGKILL');
  expect((await living.runner).stdout).not.toContain('lost');
});
