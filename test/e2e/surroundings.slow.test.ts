import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import root from '../../package.json' with { type: 'json' };
import { makeProjects, type Project, type Projects } from '../support/projects.ts';
import { MAIN } from '../support/spica.ts';

let projects: Projects;
let project: Project;
beforeEach(async () => {
  projects = await makeProjects();
  project = await projects.add('project', { pool: 'main' });
});
afterEach(() => projects.close());

describe('started in a directory that is gone, like the shell in an instance that was pruned', () => {
  /** Runs a command there. */
  async function spicaInGone(args: readonly string[], env: Record<string, string> = {}) {
    const gone = await mkdtemp(join(projects.home, 'gone-'));
    const options = { cwd: gone, reject: false, env: { HOME: projects.home, ...env } } as const;
    const script = 'rmdir "$0" && exec "$@"';
    return execa('bash', ['-c', script, gone, process.execPath, MAIN, ...args], options);
  }

  it('says its version, and helps', async () => {
    expect(await spicaInGone(['--version'])).toMatchObject({ exitCode: 0, stdout: root.version, stderr: '' });
    expect((await spicaInGone(['--help'])).stdout).toContain('spawn');
  });

  it('says in one line what to do, where all depends on the directory', async () => {
    for (const args of [['ls'], ['doctor'], ['config'], ['up']]) {
      const { exitCode, stderr } = await spicaInGone(args);
      expect([exitCode, stderr]).toEqual([
        2,
        'error: the directory that spica was started in is gone: change to one that is there, or name a config file with --config or SPICA_CONFIG',
      ]);
    }
    const { exitCode, stderr } = await spicaInGone(['ls', '--config', 'spica.yaml']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('and "spica.yaml" is relative to it')]);
  });

  it('does all that it does elsewhere where the config is named', async () => {
    const env = { SPICA_CONFIG: join(project.dir, 'spica.yaml') };
    expect(await spicaInGone(['init'], env)).toMatchObject({ exitCode: 0, stderr: '' });
    const up = spicaInGone(['up'], env);
    const ready = () => existsSync(join(projects.home, '.local/state/spica/redis.sock'));
    await expect.poll(ready).toBe(true);
    await expect
      .poll(async () => (await spicaInGone(['status'], env)).stdout, { timeout: 120_000 })
      .toMatch(/^served\s+yes$/m);
    expect(await spicaInGone(['spawn', '-n', '2'], env)).toMatchObject({ exitCode: 0 });
    expect(await spicaInGone(['template'], env)).toMatchObject({ exitCode: 0 });
    expect(await spicaInGone(['prune', '--max-instances', '1', '--yes'], env)).toMatchObject({ exitCode: 0 });
    const pid = JSON.parse(await readFile(join(project.root, '.spica', 'served-by.json'), 'utf8')).pid;
    process.kill(pid, 'SIGTERM');
    expect(await up).toMatchObject({ exitCode: 0 });
  });
});

describe('a project that is a git repository', () => {
  const git = async (...args: string[]) =>
    (await execa('git', ['-C', project.dir, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args])).stdout;
  beforeEach(async () => {
    await execa('git', ['init', '-q', join(project.dir, 'template')]);
    await git('init', '-q');
  });

  it('shows nothing of its pool, and takes in no instance', async () => {
    const before = await git('status', '--porcelain', '--untracked-files=all');
    expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
    await project.up();
    expect(await project.spica('spawn', '-n', '2')).toMatchObject({ exitCode: 0 });
    expect(await git('status', '--porcelain', '--untracked-files=all')).toBe(before);
    await rm(join(project.dir, 'template', '.git'), { recursive: true });
    await git('add', '-A');
    expect(await git('ls-files', 'instances')).toBe('');
    expect((await project.spica('reconcile', '--dry-run')).stderr).toBe('');
    expect(await project.spica('ls')).toMatchObject({ exitCode: 0 });
  });

  it('has a pool that programs which know caches pass over', async () => {
    expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
    await writeFile(join(project.root, 'large'), 'x');
    const args = ['-cf', '-', '--exclude-caches-all', '-C', await realpath(project.dir), 'instances'];
    const { stdout } = await execa('sh', ['-c', 'tar "$@" | tar -tf -', 'sh', ...args]);
    expect(stdout).not.toContain('large');
  });

  it('is not hidden itself where it is the root of its pool', async () => {
    await writeFile(
      join(project.dir, 'spica.yaml'),
      JSON.stringify({ pools: { main: { root: '.', templates: { default: './template' } } } }),
    );
    expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(project.dir, '.gitignore'))).toBe(false);
    expect(await git('status', '--porcelain')).toContain('spica.yaml');
  });

  it('keeps what stood there in their place', async () => {
    await mkdir(project.root);
    await writeFile(join(project.root, '.gitignore'), '!keep\n');
    expect(await project.spica('init')).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(project.root, '.gitignore'), 'utf8')).toBe('!keep\n');
    expect(await readFile(join(project.root, 'CACHEDIR.TAG'), 'utf8')).toMatch(
      /^Signature: 8a477f597d28d172789f06886806bc55\n/,
    );
  });
});
