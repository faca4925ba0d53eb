import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const SNIPPET = /^```ts\n([\s\S]*?)^```$/gm;

const PAGES = ['docs/runners.md', 'README.md'];

it(`the TypeScript in ${PAGES.join(' and ')} compiles against the packages as they are`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'spica-snippets-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    const config = { extends: join(ROOT, 'tsconfig.base.json'), include: ['*.ts'] };
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(config));
    for (const path of PAGES) {
      const page = await readFile(join(ROOT, path), 'utf8');
      const snippets = [...page.matchAll(SNIPPET)].map(([, code]) => code ?? '');
      expect(snippets).not.toEqual([]);
      const name = basename(path, '.md');
      for (const [i, code] of snippets.entries()) await writeFile(join(dir, `${name}-${i + 1}.ts`), code);
    }
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    // Side by side each checker would look at the packages again.
    const { exitCode, stdout } = await execa(tsc, ['-p', dir, '--checkers', '1'], { reject: false });
    expect([stdout, exitCode]).toEqual(['', 0]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
