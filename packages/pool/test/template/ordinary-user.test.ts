import { chmod, lstat, mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { reportTemplate } from '../../src/template/report.ts';
import { asUser } from '../support/as-user.ts';
import { openNursery } from '../support/clones.ts';

let dir: string;
let template: string;
beforeEach(async (context) => {
  if (process.getuid?.() !== 0) return context.skip('becoming another user needs root');
  dir = await mkdtemp(join(tmpdir(), 'spica-user-'));
  template = await makeTemplate(join(dir, 'template'));
});
afterEach(() => removeTree(dir));

it('may have a template that is read-only throughout: its instances can be made, renamed and deleted', async () => {
  for (const path of ['.env.spica', 'data/file-1']) await chmod(join(template, path), 0o444);
  await chmod(join(template, 'data'), 0o555);
  await chmod(template, 0o555);
  await asUser(dir, async () => {
    const nursery = await openNursery(join(dir, 'pool'), template);
    const prepared = await nursery.templates.prepare('default');
    expect(await nursery.templates.current('default')).toEqual(prepared);
    const instance = await nursery.clone(prepared, { params: { A: 1 } });
    expect(await readFile(join(instance, '.env.spica'), 'utf8')).toBe('MODEL=baseline\nA=1\n');
    expect((await lstat(join(instance, '.env.spica'))).mode & 0o777).toBe(0o444);
    expect((await lstat(join(instance, 'data'))).mode & 0o777).toBe(0o555);
    expect((await lstat(instance)).mode & 0o777).toBe(0o755);
    await removeTree(instance);
    await removeTree(prepared.path);
    expect(await instancesOnDisk(nursery.pool)).toEqual([]);
  });
});

it.each(['data/file-1', 'data'])('is told which part of a template cannot be read: %s', async (part) => {
  const left = await asUser(dir, async () => {
    const { templates, pool } = await openNursery(join(dir, 'pool'), template);
    await chmod(join(template, part), 0);
    await expect(templates.prepare('default')).rejects.toMatchObject({ code: 'TEMPLATE_UNREADABLE' });
    await expect(templates.prepare('default')).rejects.toThrow(part);
    return readdir(pool.paths.templates);
  });
  expect(left).toEqual([]);
});

it('is told that there may be more of what is left out and cannot be read', async () => {
  const { excluded } = await asUser(dir, async () => {
    await chmod(join(template, '.venv'), 0);
    const sources = { default: { path: template } };
    return reportTemplate({ root: join(dir, 'pool'), sources, name: 'default', allowGitFile: false });
  });
  expect(excluded).toMatchObject({ entries: 1, isComplete: false });
});
