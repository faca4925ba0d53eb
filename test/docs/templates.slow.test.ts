import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveConfig } from '@spica/core';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { capture, runCaptured } from '../../packages/cli/test/capture.ts';
import { startCliStack } from '../../packages/cli/test/stack.ts';
import { makeTemplate } from '../support/template.ts';

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

it('shows what a set-up that fails says, of the template and the config that it has made', async () => {
  await makeTemplate(join(dir, 'template'));
  await execa('sh', ['-euc', block('Set-up', 'sh')], { cwd: dir });
  const file = { path: join(dir, 'spica.yaml'), text: block('Set-up', 'yaml') };
  const { config } = resolveConfig({ file, env: {}, flags: {}, cwd: dir, home: dir });
  const { path, setup, setupTimeoutMs } = config.pools['main']?.templates['default'] ?? {};
  expect([path, setupTimeoutMs]).toEqual([join(dir, 'template'), 300_000]);
  const cli = await startCliStack({}, { path, setup });
  try {
    const { exitCode, stderr } = await cli.spica('spawn', '--set', 'CITY=atlantis');
    expect(exitCode).toBe(1);
    const plain = (text: string) =>
      text.replaceAll(/spica-[0-9a-f]{12}/g, 'ID').replace(/\/\S+\/\.spica/, 'ROOT');
    const shown = block('Set-up', 'console').replace(/^\$ .*\n/, '');
    expect(plain(stderr)).toContain(
      plain(shown)
        .replace(/^error: /, '')
        .trim(),
    );
  } finally {
    await cli.close();
  }
});

it('has an example of a prepare command that the config takes', async () => {
  await writeFile(join(dir, 'spica.yaml'), block('Prepare', 'yaml'));
  const io = capture({ env: { SPICA_CONFIG: join(dir, 'spica.yaml') } });
  const { exitCode, stdout } = await runCaptured(['config'], io);
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/templates\.default\.prepare.*npm.*ci/)]);
});
