import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNotStartable } from '../../src/index.ts';

describe('why a command cannot be started', () => {
  let dir: string;
  let path: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spica-startable-'));
    await mkdir(join(dir, 'bin/folder'), { recursive: true });
    await mkdir(join(dir, 'later'));
    for (const file of ['bin/plain', 'bin/twice', 'later/twice', 'here'])
      await writeFile(join(dir, file), '#!/bin/sh\nexit 0\n');
    for (const file of ['later/twice', 'here']) await chmod(join(dir, file), 0o755);
    path = `${dir}/none:${dir}/bin:${dir}/later`;
  });
  afterAll(() => rm(dir, { recursive: true }));

  it.each([
    ['nosuch', 'there is no command "nosuch" in any directory of PATH'],
    ['./nosuch', 'there is no command "./nosuch"'],
    ['here/below', 'there is no command "here/below"'],
    ['plain', /\/bin\/plain cannot be run: it is no file that this user may execute$/],
    ['folder', /\/bin\/folder cannot be run: /],
    ['here', 'there is no command "here" in any directory of PATH'],
  ])('is said of %s, with the exit code that a shell has', async (name, why) => {
    const { status } = spawnSync('/bin/sh', ['-c', 'exec "$0"', name], { cwd: dir, env: { PATH: path } });
    expect([126, 127]).toContain(status);
    expect(await whyNotStartable([name], { cwd: dir, env: { PATH: path } })).toEqual({
      code: status,
      why: typeof why === 'string' ? why : expect.stringMatching(why),
    });
  });

  it.each(['twice', './here', 'bin/../here'])('is null for %s, which can', async (name) => {
    expect(await whyNotStartable([name], { cwd: dir, env: { PATH: path } })).toBeNull();
  });

  it('looks in the directory that it starts in for an empty part of PATH, and for sh where there is no PATH', async () => {
    expect(await whyNotStartable(['here'], { cwd: dir, env: { PATH: '/none:' } })).toBeNull();
    expect(await whyNotStartable(['sh'], { cwd: dir, env: {} })).toBeNull();
  });
});
