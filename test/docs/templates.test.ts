import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { capture, runCaptured } from '../../packages/cli/test/capture.ts';

const DOCS = new URL('../../docs/templates.md', import.meta.url);
const SIZE = / +\d+(?:\.\d)? [kMG]?B\b/g;

let dir: string;
let docs: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-docs-'));
  docs = await readFile(DOCS, 'utf8');
});
afterEach(() => rm(dir, { recursive: true }));

/** The first block of code in this language after a heading. */
function block(heading: string, language: string): string {
  const chapter = docs.slice(docs.indexOf(`\n## ${heading}\n`));
  return new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(chapter)?.[1] ?? '';
}

async function spicaTemplate() {
  const pools = { main: { root: join(dir, 'pool'), templates: { default: join(dir, 'template') } } };
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ pools }));
  return runCaptured(['template'], capture({ tty: true, env: { SPICA_CONFIG: join(dir, 'spica.yaml') } }));
}

it('shows what `spica template` prints of the template that it has made, but for sizes', async () => {
  await execa('sh', ['-euc', block('What is cloned', 'sh')], { cwd: dir });
  const { stdout } = await spicaTemplate();
  const shown = block('What is cloned', 'console').replace('$ spica template\n', '');
  const plain = (text: string) =>
    text
      .replaceAll(SIZE, ' SIZE')
      .replace(/^(LINE.* )SIZE$/m, '$1')
      .replaceAll(/ +/g, ' ');
  expect(plain(stdout)).toBe(plain(shown.replace('/srv/experiments', dir)));
});

async function leftOut(patterns: string, paths: readonly string[]): Promise<string[]> {
  await mkdir(join(dir, 'template'), { recursive: true });
  await writeFile(join(dir, 'template/VERSION'), '1\n');
  for (const path of paths) {
    await mkdir(join(dir, 'template', path, '..'), { recursive: true });
    await writeFile(join(dir, 'template', path), '');
  }
  await writeFile(join(dir, 'template/.templateignore'), patterns);
  const { exitCode, stdout, stderr } = await spicaTemplate();
  expect([exitCode, stderr]).toEqual([0, '']);
  return [...stdout.matchAll(/^ *\d+ {2}(\S+) +(\d+) /gm)].map(
    ([, pattern, entries]) => `${pattern} ${entries}`,
  );
}

it('has an example that keeps one file of a directory', async () => {
  const patterns = block('What is not cloned', 'gitignore');
  const found = await leftOut(patterns, ['cache/vocabulary.json', 'cache/a', 'cache/b/c']);
  expect(found).toContain('/cache/* 3');
});

it('says how to write each line that is refused, and that is taken', async () => {
  const rows = [...docs.matchAll(/^\| `([^|]+)` \| [^|]+ \| `([^|]+)` \|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  await leftOut('', ['a']);
  for (const [, wrong = '', right = ''] of rows) {
    await writeFile(join(dir, 'template/.templateignore'), `${wrong}\n`);
    const refused = await spicaTemplate();
    expect([wrong, refused.exitCode]).toEqual([wrong, 3]);
    expect(refused.stderr).toContain(`.templateignore: line 1, \`${wrong}\`: `);
    await writeFile(join(dir, 'template/.templateignore'), `${right}\n`);
    expect([right, (await spicaTemplate()).exitCode]).toEqual([right, 0]);
  }
});
