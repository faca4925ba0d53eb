import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
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
    prefix: fc.constantFrom('', '', '', '+ ', '- ', '# ', ';', ' '),
    anchor: fc.constantFrom('', '/'),
    names: fc.array(name, { minLength: 1, maxLength: 3 }),
    end: fc.constantFrom('', '/', '/***'),
  })
  .map(({ prefix, anchor, names, end }) => `${prefix}${anchor}${names.join('/')}${end}`);
const ignoreFile = fc
  .tuple(
    fc.array(fc.oneof(pattern, fc.constantFrom('', '!', '-', '+')), { maxLength: 6 }),
    fc.constantFrom('\n', '\r\n'),
  )
  .map(([lines, ending]) => lines.join(ending));

it('leaves out exactly what rsync leaves out, whatever stands in .templateignore', async () => {
  const template = join(dir, 'template');
  for (const path of ['VERSION', ...PATHS]) {
    await mkdir(dirname(join(template, path)), { recursive: true });
    await writeFile(join(template, path), '1\n');
  }
  const { templates } = await openNursery(join(dir, 'pool'), template);
  await fc.assert(
    fc.asyncProperty(ignoreFile, async (ignore) => {
      await writeFile(join(template, '.templateignore'), ignore);
      const expected = await mkdtemp(join(dir, 'expected-'));
      await execa('rsync', ['-a', '--exclude-from=.templateignore', './', expected], { cwd: template });
      const made = await templates.prepare('default').catch((error) => error);
      if ('code' in made) {
        expect(made.code).toBe('TEMPLATE_EMPTY');
        expect(await listing(expected)).toEqual(['.']);
        return;
      }
      expect(await listing(made.path)).toEqual(await listing(expected));
      expect(await templates.current('default')).toEqual(made);
    }),
    { numRuns: 20 },
  );
}, 300_000);

async function listing(path: string): Promise<string[]> {
  const { stdout } = await execa('find', ['.', '-print0'], { cwd: path });
  return stdout.split('\0').filter(Boolean).sort();
}
