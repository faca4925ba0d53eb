import { link, mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { reportTemplate } from '../../src/template/report.ts';
import { makeOddities } from '../support/oddities.ts';

let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-report-'));
  template = await makeTemplate(join(dir, 'template'));
});
afterEach(() => removeTree(dir));

const report = () =>
  reportTemplate({
    root: join(dir, 'no-pool'),
    sources: { default: { path: template } },
    name: 'default',
    allowGitFile: false,
  });

/** Allocated bytes by du, hard links once. */
async function allocated(path: string): Promise<number> {
  const { stdout } = await execa('du', ['-s', '-B1', '--', path], { cwd: template });
  return Number.parseInt(stdout, 10);
}

const at = (path: string) => join(template, path);

it('reports what each pattern left out, with all below it, and marks those that match nothing', async () => {
  await mkdir(at('.venv/lib'));
  await writeFile(at('.venv/lib/torch'), Buffer.alloc(3_000_000, 'x'));
  await link(at('.venv/lib/torch'), at('.venv/lib/torch-2'));
  await writeFile(at('a.log'), Buffer.alloc(100_000, 'x'));
  await writeFile(at('keep.log'), 'x');
  await mkdir(at('sub/.venv'), { recursive: true });
  await writeFile(
    at('.templateignore'),
    '# what is not cloned\n+ keep.log\n.venv/\n*.log\nnode_modules/\n*.log\n',
  );
  const before = await readdir(template, { recursive: true });
  const { cloned, excluded, version, originCommit, warnings } = await report();
  const venvs = (await allocated('.venv')) + (await allocated('sub/.venv'));
  const log = await allocated('a.log');
  expect(excluded).toEqual({
    patterns: [
      { line: 2, kind: 'include', pattern: 'keep.log', entries: 1, bytes: null },
      { line: 3, kind: 'exclude', pattern: '.venv/', entries: 6, bytes: venvs },
      { line: 4, kind: 'exclude', pattern: '*.log', entries: 1, bytes: log },
      { line: 5, kind: 'exclude', pattern: 'node_modules/', entries: 0, bytes: 0 },
      { line: 6, kind: 'exclude', pattern: '*.log', entries: 0, bytes: 0 },
    ],
    entries: 7,
    bytes: venvs + log,
    isComplete: true,
  });
  expect(cloned.bytes).toBe((await allocated('.')) - venvs - log);
  expect(cloned).toMatchObject({ entries: before.length - 7, inodes: before.length - 7 + 1 });
  expect([version, originCommit, warnings]).toEqual(['1.0.0', 'unknown', []]);
  expect(await readdir(template, { recursive: true })).toEqual(before);
  expect(await readdir(dir)).toEqual(['template']);
});

it('lists the ten largest directories that are cloned, without what is left out of them', async () => {
  for (let i = 0; i < 12; i += 1) {
    await mkdir(at(`data/part-${i}`));
    await writeFile(at(`data/part-${i}/file`), Buffer.alloc(100_000 * (i + 1), 'x'));
  }
  await mkdir(at('data/part-0/huge'));
  await writeFile(at('data/part-0/huge/file'), Buffer.alloc(5_000_000, 'x'));
  await writeFile(at('.templateignore'), '.venv/\nhuge/\n');
  const { largest } = await report();
  const parts = Array.from({ length: 9 }, (_, i) => `data/part-${11 - i}/`);
  expect(largest.map(({ path }) => path)).toEqual(['data/', ...parts]);
  expect(largest[0]).toEqual({
    path: 'data/',
    bytes: (await allocated('data')) - (await allocated('data/part-0/huge')),
    entries: 5 + 24,
  });
  expect(largest[1]).toEqual({ path: parts[0], bytes: await allocated('data/part-11'), entries: 1 });
});

it('is right about names that hold what rsync says, line breaks, and bytes that are no UTF-8', async () => {
  await mkdir(at('odd'));
  await makeOddities(at('odd'));
  const names = [
    '[sender] hiding file a because of pattern b',
    'x because of pattern *.log.log',
    'a because of pattern b.log',
    'y\n=.log',
  ];
  for (const name of names) await writeFile(at(name), '');
  await writeFile(
    at('.templateignore'),
    '*.log\nb.log because of pattern *.log\n[[]sender*\nline*\nbytes-*\n\\\\#*\ndir-*/\n/odd/\n',
  );
  const { excluded } = await report();
  expect(excluded.patterns.map(({ pattern, entries }) => [pattern, entries])).toEqual([
    ['*.log', 3],
    ['b.log because of pattern *.log', 0],
    ['[[]sender*', 1],
    ['line*', 0],
    ['bytes-*', 0],
    ['\\\\#*', 0],
    ['dir-*/', 0],
    ['/odd/', excluded.entries - 4],
  ]);
  await writeFile(at('.templateignore'), 'line*\nbytes-*\n\\\\#*\ndir-*/\n');
  const inside = await report();
  expect(inside.excluded.patterns.map(({ entries }) => entries)).toEqual([1, 1, 1, 2]);
  expect(inside.excluded.entries).toBe(5);
});

it('refuses what could not be prepared either', async () => {
  await writeFile(at('.templateignore'), '!\n');
  await expect(report()).rejects.toMatchObject({ kind: 'refused', code: 'TEMPLATE_IGNORE_INVALID' });
  await writeFile(at('.templateignore'), '*\n');
  await expect(report()).rejects.toMatchObject({ code: 'TEMPLATE_EMPTY' });
});
