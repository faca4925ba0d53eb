import { mkdtemp, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { checkTemplate, reportTemplate } from '../../src/template/report.ts';
import { createTemplates, type Templates } from '../../src/template/templates.ts';
import { sayBlocks } from '../support/say-blocks.ts';

const MB = 1_000_000;

let dir: string;
let template: string;
let templates: Templates;
let later = 0;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-blocks-'));
  later = 0;
  template = await makeTemplate(join(dir, 'template'));
  await writeFile(join(template, 'data/large'), Buffer.alloc(10 * MB, 'x'));
  templates = createTemplates({
    pool: await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock }),
    sources: { default: { path: template } },
    method: 'copy',
    clock: { now: () => Date.now() + later },
    logger: pino({ level: 'silent' }),
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await removeTree(dir);
});

async function du(path: string): Promise<number> {
  const { stdout } = await execa('du', ['-s', '--block-size=1', '--', path]);
  return Number.parseInt(stdout, 10);
}

async function settledBytes(): Promise<number | undefined> {
  later = 60_000;
  await templates.syncSnapshots();
  return (await templates.current('default'))?.allocatedBytes;
}

it('takes no snapshot for less than was copied, nor a template for less than will be', async () => {
  await sayBlocks(dir, '1');
  expect((await templates.size('default')).bytes).toBeGreaterThan(10 * MB);
  const prepared = await templates.prepare('default');
  expect(prepared.allocatedBytes).toBeGreaterThan(10 * MB);
  expect(prepared.allocatedBytes).toBeLessThan(11 * MB);
  const question = {
    root: join(dir, 'pool'),
    sources: { default: { path: template } },
    name: 'default',
    allowGitFile: false,
  };
  const { cloned, largest } = await reportTemplate(question);
  expect([cloned.bytes, cloned.entries]).toEqual([(await checkSize()).bytes, (await checkSize()).entries]);
  expect(largest[0]).toMatchObject({ path: 'data/', entries: 6, bytes: expect.any(Number) });
  expect(largest[0]?.bytes).toBeGreaterThan(10 * MB);
  expect(await checkTemplate(question)).toEqual([]);
  expect(await settledBytes()).toBe(prepared.allocatedBytes);
});

it('measures a snapshot again when it is on the disk, and believes what was counted late', async () => {
  await sayBlocks(dir, '0');
  const { path, allocatedBytes } = await templates.prepare('default');
  vi.unstubAllEnvs();
  expect(allocatedBytes).not.toBe(await du(path));
  expect(await settledBytes()).toBe(await du(path));
});

it('believes fewer blocks than there are data once they are on the disk, as of what is compressed', async () => {
  await sayBlocks(dir, '10000'); // half of the large file
  const { inodes, allocatedBytes } = await templates.prepare('default');
  expect(allocatedBytes).toBeGreaterThanOrEqual(10 * MB + (inodes - 1) * 10_000 * 512);
  expect(await settledBytes()).toBe(inodes * 10_000 * 512);
});

it('takes of a sparse file only the data, whoever counts', async () => {
  const file = await open(join(template, 'data/sparse'), 'w');
  await file.write(Buffer.alloc(MB, 'x'), 0, MB, 100 * MB);
  await file.truncate(900 * MB);
  await file.close();
  const honest = await templates.prepare('default');
  expect(honest.allocatedBytes).toBe(await du(honest.path));
  await writeFile(join(template, 'new'), '');
  await sayBlocks(dir, '1');
  const { allocatedBytes } = await templates.prepare('default');
  expect(allocatedBytes).toBeGreaterThan(11 * MB);
  expect(allocatedBytes).toBeLessThan(12 * MB);
});

/** What the template's copy is, by the template itself. */
async function checkSize(): Promise<{ bytes: number; entries: number }> {
  const { stdout } = await execa('find', ['.', '-name', '.venv', '-prune', '-o', '-printf', '%y %s\n'], {
    cwd: template,
    env: { PATH: (process.env['PATH'] ?? '').replace(/^[^:]*:/, '') },
    extendEnv: false,
  });
  const lines = stdout.split('\n');
  const bytes = lines.map((line) => (line.startsWith('f') ? blocksOf(Number(line.slice(2))) : 512));
  return { bytes: bytes.reduce((sum, each) => sum + each, 0), entries: lines.length - 1 };
}

/** As a disk with blocks of 4 KiB keeps it. */
function blocksOf(size: number): number {
  return size <= 512 ? 512 : Math.ceil(size / 4096) * 4096;
}
