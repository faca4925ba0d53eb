import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aRecord } from '../../../catalog/test/open.ts';
import { complete } from '../../src/complete/answer.ts';
import { readWords, type Words } from '../../src/complete/words.ts';
import { commandRunner } from '../../src/quick/answer.ts';
import { readAsked } from '../../src/quick/asked.ts';
import { fingerprintOf } from '../../src/quick/fingerprint.ts';
import { capture, runCaptured } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

const IDS = ['spica-00000000000a', 'spica-00000000000b'];
/** Long enough for a machine that has other things to do. */
const PATIENT = { liveMs: 20_000 };

let queues: TestQueues;
beforeAll(async () => {
  queues = await startQueues();
  const catalog = createCatalog({ redis: queues.redis, pool: 'main' });
  const experiments = ['lr-sweep', '$(touch /tmp/never)'];
  const now = Date.now();
  for (const [i, id] of IDS.entries())
    await catalog.adopt(aRecord(id, { experiment: experiments[i] ?? null, spawnedAt: now - i }));
});
afterAll(() => queues.close());

async function here() {
  const io = capture({ env: { SPICA_STATE_DIR: queues.stateDir } });
  await writeFile(
    join(io.cwd, 'spica.yaml'),
    'pools: { main: { templates: { trainer: ./a, judge: ./b } }, mainframe: {} }\n',
  );
  return io;
}

/** What is suggested for the last word, without descriptions, and how the shell is to take it. */
async function suggested(...words: string[]) {
  const io = await here();
  await complete(io, readWords(['complete', '--', ...words]) as Words, PATIENT);
  expect(io.err()).toBe('');
  const lines = io.out().trimEnd().split('\n');
  return { values: lines.slice(0, -1).map((line) => line.split('\t')[0]), directive: lines.at(-1) };
}
const valuesOf = async (...words: string[]) => (await suggested(...words)).values;

it('completes commands, options and values of options', async () => {
  expect(await valuesOf('sp')).toEqual(['spawn']);
  expect(await valuesOf('audit', '')).toEqual(['tail', 'verify', 'help']);
  expect(await valuesOf('spawn', '--temp')).toEqual(['--template']);
  expect(await valuesOf('ls', '--po')).toEqual(['--pool']);
  expect(await valuesOf('ls', '--sort', 's')).toEqual(['spawned', 'score', 'size']);
  expect(await valuesOf('audit', 'tail', '-f', '--')).toContain('--lines');
  expect(await valuesOf('complete', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(await suggested('run', '--candidates', '')).toEqual({ values: [], directive: ':0' });
  expect(await suggested('nope', '')).toEqual({ values: [], directive: ':4' });
});

it('completes pools and templates of the config, instances and experiments of the catalog', async () => {
  expect(await valuesOf('--pool', '')).toEqual(['main', 'mainframe']);
  expect(await valuesOf('ls', '--pool', '=', 'mainf')).toEqual(['mainframe']);
  expect(await valuesOf('--pool', 'main', 'spawn', '-t', 't')).toEqual(['trainer']);
  expect(await valuesOf('show', '')).toEqual(IDS);
  expect(await valuesOf('pin', IDS[0] ?? '', 'spica-00000000000b')).toEqual([IDS[1]]);
  // A shell would expand what a runner has called its experiment.
  expect(await valuesOf('spawn', '--experiment', '')).toEqual(['lr-sweep']);
});

it('is answered by the stack of this machine too', async () => {
  const io = await here();
  const argv = ['complete', '--', 'show', ''];
  expect(readAsked(argv)).toEqual({ argv, config: undefined });
  const { digest: fingerprint } = await fingerprintOf(io, undefined);
  const run = commandRunner(io, {});
  const asked = { leaseToken: null, isTerminal: false, isErrorTerminal: false, columns: null };
  await expect
    .poll(async () => (await run({ ...asked, argv, fingerprint }))?.stdout, { timeout: 20_000 })
    .toBe(`${IDS.join('\t\n')}\t\n:4\n`);
});

it('suggests no value, and says nothing, where that takes too long or fails', async () => {
  const late = await here();
  await complete(late, readWords(['complete', '--', 'show', '']) as Words, { liveMs: 0 });
  expect([late.out(), late.err(), late.exits]).toEqual([':4\n', '', [0]]);
  for (const words of [
    ['show', ''],
    ['--config', '/nonexistent', 'show', ''],
    ['--pool', 'nope', 'show', ''],
  ])
    expect(await runCaptured(['complete', '--', ...words])).toMatchObject({
      exitCode: 0,
      stdout: ':4\n',
      stderr: '',
    });
});

it('prints a script for each shell, and knows no other', async () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    expect((await runCaptured(['complete', shell])).stdout).toContain('spica complete -- ');
  const other = await runCaptured(['complete', 'csh']);
  expect(other).toMatchObject({
    exitCode: 2,
    stderr: 'error: shell: expected one of bash, zsh, fish, got "csh"\n',
  });
});
