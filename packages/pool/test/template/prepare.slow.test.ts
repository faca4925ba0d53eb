import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from '@spica/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning } from '../../../../test/support/process.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { readCommandLog } from '../../src/index.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { type Nursery, openNursery } from '../support/clones.ts';

let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-prepare-'));
  template = await makeTemplate(join(dir, 'template'));
});
afterEach(() => removeTree(dir));

const nursery = (script: string, prepareTimeoutMs = 60_000): Promise<Nursery> =>
  openNursery(join(dir, 'pool'), template, { prepare: ['sh', '-c', script] as Argv, prepareTimeoutMs });
const snapshots = async () =>
  (await readdir(join(dir, 'pool/.spica/templates'))).filter((name) => !name.includes('.'));

const BUILD = 'mkdir -p deep/er && seq 20000 >deep/er/built && echo "$SPICA_TEMPLATE" && pwd';

it('runs once, before anything is cloned; what it adds is in each clone, and in the size', async () => {
  const { templates, clone, pool } = await nursery(`${BUILD}; echo ran >>${join(dir, 'runs')}`);
  const plain = (await templates.size('default')).bytes;
  const prepared = await templates.prepare('default');
  expect(prepared.allocatedBytes).toBeGreaterThan(plain + 60_000);
  expect(await templates.current('default')).toEqual(prepared);
  expect((await templates.size('default')).bytes).toBeGreaterThan(plain + 60_000);
  const instance = await clone(prepared);
  expect(await readFile(join(instance, 'deep/er/built'), 'utf8')).toMatch(/^1\n[\s\S]*\n20000\n$/);
  await clone(prepared);
  expect(await readFile(join(dir, 'runs'), 'utf8')).toBe('ran\n');
  expect(await readCommandLog(pool, 'prepare-default')).toMatch(/^default\n\/.*\.draft\n$/);
  expect(await readdir(template)).not.toContain('deep');
});

it('is found by a new process, and counted the same once it is on the disk', async () => {
  const { templates } = await nursery(BUILD);
  const prepared = await templates.prepare('default');
  const { templates: another } = await nursery(BUILD);
  expect(await another.current('default')).toEqual(prepared);
  expect(await another.preparedBytes()).toBe(prepared.allocatedBytes);
});

it.each([
  ['another command', 'echo other >other', 'its prepare command is another'],
  ['no command', null, 'its prepare command is another'],
])('is made anew for %s', async (_, script, difference) => {
  const { fingerprint } = await (await nursery(BUILD)).templates.prepare('default');
  const later = script ? await nursery(script) : await openNursery(join(dir, 'pool'), template);
  expect(await later.templates.current('default')).toBeNull();
  expect(await later.templates.recheck('default')).toEqual({ difference });
  const anew = await later.templates.prepare('default');
  expect(anew.fingerprint).not.toBe(fingerprint);
  expect(await readdir(anew.path)).not.toContain('deep');
});

it('runs again where the template was only touched: nobody knows what it looks at', async () => {
  const { templates } = await nursery(BUILD);
  const { fingerprint } = await templates.prepare('default');
  await writeFile(join(template, 'data/file-1'), await readFile(join(template, 'data/file-1')));
  expect(await templates.current('default')).toBeNull();
  expect(await templates.recheck('default')).toEqual({
    difference: 'something of it has changed, or was touched',
  });
  expect((await templates.prepare('default')).fingerprint).not.toBe(fingerprint);
});

it.each([
  [
    'fails',
    'echo one; echo two >&2; exit 4',
    'PREPARE_FAILED',
    /ended with exit code 4: one \| two \(what it printed: .*prepare-default\.log\)$/,
  ],
  ['is killed', 'kill -KILL $$', 'PREPARE_FAILED', /exit code 137/],
  ['takes a name that is ours', 'echo >manifest.json', 'PREPARE_FAILED', /left manifest\.json/],
  [
    'is out of room',
    'echo "cp: x: No space left on device"; exit 1',
    'NO_SPACE',
    /the disk is full.*: cp: x/,
  ],
])('leaves nothing where it %s, and says so', async (_, script, code, message) => {
  const { templates } = await nursery(script);
  await expect(templates.prepare('default')).rejects.toMatchObject({ code, message });
  expect(await snapshots()).toEqual([]);
});

it('is ended when its time is over, and when its signal comes', async () => {
  const pid = join(dir, 'pid');
  const hangs = `trap '' TERM; sleep 1000 & echo $! >${pid}; while :; do sleep 0.05; done`;
  const { templates } = await nursery(hangs, 5_000);
  await expect(templates.prepare('default')).rejects.toMatchObject({
    code: 'PREPARE_TIMED_OUT',
    message: /took longer than 5s \(prepare_timeout\)/,
  });
  await expect.poll(async () => isRunning(Number(await readFile(pid, 'utf8')))).toBe(false);
  await rm(pid);
  const controller = new AbortController();
  const { templates: patient } = await nursery(hangs);
  const preparing = patient.prepare('default', { signal: controller.signal });
  const read = () => readFile(pid, 'utf8').catch(() => '');
  await expect.poll(read).not.toBe('');
  controller.abort(new Error('enough'));
  await expect(preparing).rejects.toThrow('enough');
  await expect.poll(async () => isRunning(Number(await readFile(pid, 'utf8')))).toBe(false);
  expect(await snapshots()).toEqual([]);
});
