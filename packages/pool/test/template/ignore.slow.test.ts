import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { reportTemplate } from '../../src/template/report.ts';
import { openNursery } from '../support/clones.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-ignore-'));
});
afterAll(() => removeTree(dir));

const PATHS = [
  'a',
  'b.log',
  '.venv/bin/a',
  '.venv/b.log',
  'src/a',
  'src/.venv/a',
  'src/deep/b.log',
  'src/a b/#c',
];
const name = fc.constantFrom(
  'a',
  'b.log',
  '.venv',
  'src',
  'deep',
  '*',
  '*.log',
  '**',
  '?',
  '[ab]',
  'a b',
  '#c',
);
const pattern = fc
  .record({
    prefix: fc.constantFrom('', '', '', '+ ', '- ', '# ', ';'),
    anchor: fc.constantFrom('', '/'),
    names: fc.array(name, { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom('', '/', '/***'),
  })
  .map(({ prefix, anchor, names, end }) => `${prefix}${anchor}${names.join('/')}${end}`);
/** What nobody sees at the ends of a line. */
const unseen = fc.constantFrom('', '', '', ' ', '\t ', '\u{feff}', '\u{a0}', ' \u{200b}');
const line = fc.record({ text: fc.oneof(pattern, fc.constant('')), before: unseen, after: unseen });
const ignoreFile = fc.record({
  lines: fc.array(line, { maxLength: 6 }),
  ending: fc.constantFrom('\n', '\r\n', '\r'),
});

it('leaves out exactly what rsync leaves out, but for marks and blanks, and reports why', async () => {
  const template = join(dir, 'template');
  for (const path of ['VERSION', ...PATHS]) {
    await mkdir(dirname(join(template, path)), { recursive: true });
    await writeFile(join(template, path), '1\n');
  }
  const { templates, pool } = await openNursery(join(dir, 'pool'), template);
  const question = { root: pool.paths.root, sources: { default: { path: template } }, name: 'default' };
  await fc.assert(
    fc.asyncProperty(ignoreFile, async ({ lines, ending }) => {
      const ignore = lines.map(({ text, before, after }) => before + text + after).join(ending);
      await writeFile(join(template, '.templateignore'), ignore);
      const expected = await mkdtemp(join(dir, 'expected-'));
      const input = lines.map(({ text }) => `${text}\n`).join('');
      await execa('rsync', ['-a', '--exclude-from=-', './', expected], { cwd: template, input });
      const made = await templates.prepare('default').catch((error) => error);
      if ('code' in made) {
        expect(made.code).toBe('TEMPLATE_EMPTY');
        expect(await listing(expected)).toEqual(['.']);
        return;
      }
      expect(await listing(made.path)).toEqual(await listing(expected));
      expect(await templates.current('default')).toEqual(made);
      const { cloned, excluded } = await reportTemplate({ ...question, allowGitFile: false });
      const cloneSize = (await listing(made.path)).length;
      expect(cloned.entries).toBe(cloneSize - 1);
      expect(excluded.entries).toBe((await listing(template)).length - cloneSize);
      const byPattern = excluded.patterns.filter(({ kind }) => kind === 'exclude');
      expect(byPattern.reduce((sum, { entries }) => sum + entries, 0)).toBe(excluded.entries);
    }),
    { numRuns: 20 },
  );
});

async function listing(path: string): Promise<string[]> {
  const { stdout } = await execa('find', ['.', '-print0'], { cwd: path });
  return stdout.split('\0').filter(Boolean).sort();
}
