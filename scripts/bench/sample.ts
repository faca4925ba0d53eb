import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, measureInstances, type Pool } from '@spica/pool';
import { execa } from 'execa';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { makeTemplate } from './template.ts';

interface Shape {
  readonly instances: number;
  readonly files: number;
  readonly rounds: number;
}

/**
 * A full pass of the sampler's measurement over instances of small files, against `du -s` over the same; alternating,
 * medians. Options: --instances, --files (in each), --rounds, --dir DIR (default: the system's temporary directory).
 */
export async function run(args: string[]): Promise<void> {
  const values = readFlags('bench sample', {
    args,
    options: {
      instances: { type: 'string', default: '50' },
      files: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '5' },
      dir: { type: 'string', default: tmpdir() },
    },
  });
  const [instances, files, rounds] = [values.instances, values.files, values.rounds].map(Number);
  const shape = { instances: instances ?? 0, files: files ?? 0, rounds: rounds ?? 0 };
  const dir = await mkdtemp(join(values.dir, 'spica-bench-sample-'));
  try {
    const pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
    await compare(pool, await populate(pool, shape), shape);
  } finally {
    await execa('rm', ['-rf', '--', dir]);
  }
}

async function populate(pool: Pool, { instances, files }: Shape): Promise<string[]> {
  const original = join(pool.paths.templates, 'original');
  await makeTemplate(original, { files, bytes: files * 100 });
  const ids = Array.from({ length: instances }, (_, n) => `spica-${String(n).padStart(12, '0')}`);
  for (const id of ids) await execa('cp', ['-a', '--', original, pool.pathOf(id)]);
  await execa('sync', ['-f', '--', pool.paths.root]);
  return ids;
}

async function compare(pool: Pool, ids: readonly string[], { files, rounds }: Shape): Promise<void> {
  const targets = ids.map((id) => ({ id, sharesSince: null, isSnapshot: false }));
  const times = { measure: [] as number[], du: [] as number[] };
  const du = () => execa('du', ['-s', '--', ...ids], { cwd: pool.paths.root });
  await du(); // so that neither has to read the directories from the disk
  for (let round = 0; round < rounds; round += 1) {
    times.measure.push(await time(() => measureInstances(pool, targets, { clock: systemClock })));
    times.du.push(await time(du));
  }
  const [measured, rival] = [median(times.measure), median(times.du)];
  console.log(
    `${ids.length} instances of ${files} files, medians of ${rounds} rounds: ` +
      `measured in ${measured.toFixed(0)} ms, du -s ${rival.toFixed(0)} ms, ratio ${(measured / rival).toFixed(2)}`,
  );
}
