import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import type { Pool } from '../../src/layout.ts';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { createTemplates } from '../../src/template/templates.ts';

let dir: string;
let template: string;
let pool: Pool;
let later: number;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-sweep-'));
  template = await makeTemplate(join(dir, 'template'));
  pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
  later = 0;
});
afterEach(() => removeTree(dir));

function open(dirs: Record<string, string> = { default: template }) {
  const sources = Object.fromEntries(Object.entries(dirs).map(([name, path]) => [name, { path }]));
  const clock: Clock = { now: () => Date.now() + later };
  return createTemplates({ pool, sources, method: 'copy', clock, logger: pino({ level: 'silent' }) });
}

it('keeps the latest snapshot of each template, those that are reserved, and those just handed out', async () => {
  const templates = open();
  const made = [];
  for (const version of ['1', '2', '3', '4']) {
    await writeFile(join(template, 'VERSION'), version);
    made.push(await templates.prepare('default'));
  }
  const [first, second, third, fourth] = made.map(({ fingerprint }) => fingerprint);
  expect(await templates.sweep(new Set())).toEqual([]);
  later = 120_000;
  expect(await templates.get('default', third ?? '')).toMatchObject({ version: '3' });
  expect(await templates.sweep(new Set([second ?? '']))).toEqual([first]);
  expect(await templates.get('default', first ?? '')).toBeNull();
  later = 300_000;
  expect(await templates.sweep(new Set())).toEqual([second, third]);
  expect(await templates.current('default')).toMatchObject({ fingerprint: fourth });
  expect(await readdir(pool.paths.templates)).toHaveLength(3);
});

it('hands out no snapshot whose deletion has begun, and begins none of those handed out meanwhile', async () => {
  const templates = open();
  const made = [];
  for (const version of ['1', '2', '3']) {
    await writeFile(join(template, 'VERSION'), version);
    made.push(await templates.prepare('default'));
  }
  later = 120_000;
  const sweeping = templates.sweep(new Set());
  let ended = false;
  sweeping.finally(() => {
    ended = true;
  });
  const handedOut = new Set<string>();
  while (!ended) {
    for (const { fingerprint } of made) {
      if (await templates.get('default', fingerprint)) handedOut.add(fingerprint);
    }
  }
  const swept = await sweeping;
  expect(handedOut).toEqual(
    new Set(made.map(({ fingerprint }) => fingerprint).filter((each) => !swept.includes(each))),
  );
});

it('does not take the remains of a snapshot for it when its deletion fails', async (context) => {
  const templates = open();
  const old = await templates.prepare('default');
  const stubborn = join(old.path, 'data', 'file-1');
  const { failed, stderr } = await execa('chattr', ['+i', stubborn], { reject: false });
  if (failed) return context.skip(`no file can be made immutable here: ${stderr}`);
  await writeFile(join(template, 'VERSION'), '2');
  await templates.prepare('default');
  later = 120_000;
  await expect(templates.sweep(new Set())).rejects.toMatchObject({ code: 'REMOVE_INCOMPLETE' });
  expect(await templates.get('default', old.fingerprint)).toBeNull();
  expect(await open().get('default', old.fingerprint)).toBeNull();
  await execa('chattr', ['-R', '-i', pool.paths.templates]);
  await templates.sweep(new Set());
  expect(await readdir(pool.paths.templates)).toHaveLength(3);
});

it('clones from the latest snapshot still where the clock was set back before it was made', async () => {
  const templates = open();
  later = 3_600_000;
  const first = await templates.prepare('default');
  await writeFile(join(template, 'VERSION'), '2');
  later = 0;
  const second = await templates.prepare('default');
  expect(await templates.current('default')).toEqual(second);
  expect(await open().current('default')).toEqual(second);
  later = 120_000;
  expect(await open().sweep(new Set())).toEqual([first.fingerprint]);
});

it('deletes what a crash left, and the snapshots of templates that are no more', async () => {
  await open({ default: template, other: template }).prepare('other');
  await mkdir(join(pool.paths.templates, 'default-0123456789abcdef.01234567.draft/deep'), {
    recursive: true,
  });
  await mkdir(join(pool.paths.templates, 'default-without-a-sidecar'));
  await writeFile(join(pool.paths.templates, 'default-without-a-snapshot.json'), '{}');
  await writeFile(join(pool.paths.templates, 'torn.json'), '{"sch');
  expect(await open().sweep(new Set())).toHaveLength(1);
  expect(await readdir(pool.paths.templates)).toEqual([]);
});

it('leaves alone what is being prepared', async () => {
  const templates = open();
  const preparing = templates.prepare('default');
  let ended = false;
  preparing.finally(() => {
    ended = true;
  });
  while (!ended) await templates.sweep(new Set());
  const prepared = await preparing;
  expect(await templates.current('default')).toEqual(prepared);
});
