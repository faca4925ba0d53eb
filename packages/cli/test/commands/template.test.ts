import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { spica } from '../../../../test/support/spica.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { type Captured, capture, runCaptured } from '../capture.ts';

let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-template-'));
  template = await makeTemplate(join(dir, 'template'));
  await writeFile(join(template, '.templateignore'), '.venv/\n*.log\n');
  await config({ main: { root: join(dir, 'no-pool'), templates: { default: template } } });
});
afterEach(() => rm(dir, { recursive: true }));

async function config(pools: object): Promise<void> {
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ pools }));
}

/** No Redis answers there, and no pool is there. */
function process({ tty = false } = {}): Captured {
  return capture({ tty, env: { SPICA_CONFIG: join(dir, 'spica.yaml'), REDIS_URL: 'redis://127.0.0.1:1' } });
}

async function run(argv: readonly string[], options = {}) {
  return runCaptured(['template', ...argv], process(options));
}

it('shows a template as it will be cloned, without Redis and without a pool, and changes nothing', async () => {
  const { exitCode, stdout, stderr } = await run(['default'], { tty: true });
  expect([exitCode, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(
    /^template {3}default of pool main\ndirectory {2}\S+\/template\nversion {4}1\.0\.0\n/,
  );
  expect(stdout).toMatch(/^cloned {5}\d+\.\d kB, 9 entries\nleft out {3}[\d.]+ kB, 2 entries\n$/m);
  expect(stdout).toMatch(/^ +1 {2}\.venv\/ +2 +[\d.]+ kB$/m);
  expect(stdout).toMatch(/^ +2 {2}\*\.log +0 +0 B +matches nothing$/m);
  expect(stdout).toMatch(/^data\/ +5 +[\d.]+ kB$/m);
  expect(stdout).not.toContain('warn');
  expect((await readdir(dir)).sort()).toEqual(['spica.yaml', 'template']);
});

it('says below it what its author probably did not mean, and what to do', async () => {
  await symlink(join(template, 'data'), join(template, 'to-data'));
  const { exitCode, stdout } = await run([], { tty: true });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^warn {2}to-data: absolute links into the template.*\n {6}→ make them relative/m);
});

it('prints a line for each thing when piped, and an object with --json', async () => {
  const lines = (await run([])).stdout.split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^main\/default\tcloned\t\S+\/template\t9\t\d+$/));
  expect(lines).toContainEqual(expect.stringMatching(/^main\/default\tpattern\t\.venv\/\t2\t\d+$/));
  expect(lines).toContain('main/default\tpattern\t*.log\t0\t0');
  expect(lines).toContainEqual(expect.stringMatching(/^main\/default\tdirectory\tdata\/\t5\t\d+$/));
  const { templates } = JSON.parse((await run(['--json'])).stdout);
  expect(templates).toMatchObject([
    {
      pool: 'main',
      name: 'default',
      version: '1.0.0',
      originCommit: 'unknown',
      cloned: { entries: 9 },
      excluded: {
        entries: 2,
        patterns: [
          { pattern: '.venv/', entries: 2 },
          { pattern: '*.log', entries: 0 },
        ],
      },
      warnings: [],
    },
  ]);
});

it('refuses a single template as any command would, with exit 3', async () => {
  await writeFile(join(template, '.templateignore'), '.venv/\n!.venv/keep\n');
  expect(await run(['default'])).toMatchObject({
    exitCode: 3,
    stdout: '',
    stderr:
      "error: template default: .templateignore: line 2, `!.venv/keep`: rsync does not know gitignore's `!`: " +
      'write `+ .venv/keep` above the pattern that excludes it\n',
  });
  const { exitCode, stderr } = await run(['default', '--json']);
  expect(exitCode).toBe(3);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'TEMPLATE_IGNORE_INVALID',
    details: { problems: [{ line: 2, text: '!.venv/keep' }] },
  });
});

it('shows the templates of all pools, goes on after one that is refused, and takes allow_git_file for its pool', async () => {
  const worktree = await makeTemplate(join(dir, 'worktree'));
  await writeFile(join(worktree, '.git'), `gitdir: ${dir}/main/.git/worktrees/worktree\n`);
  const templates = { worktree };
  await config({
    strict: { root: join(dir, 'strict'), templates: { ...templates, default: template } },
    lax: { root: join(dir, 'lax'), templates, allow_git_file: true },
  });
  const all = await run(['--json']);
  expect(all.exitCode).toBe(3);
  expect(JSON.parse(all.stdout).templates).toMatchObject([
    { pool: 'strict', name: 'worktree', error: { code: 'TEMPLATE_GIT_FILE', kind: 'refused' } },
    { pool: 'strict', name: 'default', version: '1.0.0' },
    { pool: 'lax', name: 'worktree', version: '1.0.0' },
  ]);
  const shown = await run([], { tty: true });
  expect(shown.stdout).toMatch(/^template {2}worktree of pool strict\nrefused {3}.*\.git is a file/m);
  const ofOne = JSON.parse((await run(['worktree', '--pool', 'lax', '--json'])).stdout);
  expect(ofOne.templates).toMatchObject([{ pool: 'lax', name: 'worktree' }]);
});

it('lists the templates there are when asked for another', async () => {
  expect(await run(['nope'])).toMatchObject({
    exitCode: 2,
    stderr: 'error: name: expected one of: default, got "nope"\n',
  });
});

it('is a program as users have it', async () => {
  await mkdir(join(template, '.git'));
  await writeFile(join(template, '.git/HEAD'), `${'0123456789'.repeat(4)}\n`);
  const ran = await spica(['template', '--json'], { SPICA_CONFIG: join(dir, 'spica.yaml') });
  expect(JSON.parse(ran.stdout).templates).toMatchObject([{ originCommit: '0123456789'.repeat(4) }]);
  expect(await readFile(join(template, '.templateignore'), 'utf8')).toBe('.venv/\n*.log\n');
});
