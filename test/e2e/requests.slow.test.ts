import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { progressOf } from '@spica/queues';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { describeOnRedis } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

describeOnRedis('a request', (redis) => {
  let dir: string;
  let template: string;
  let stack: Stack;
  const start = (settings: Record<string, unknown> = {}) =>
    startStack({ target: { url: redis.url }, templates: { default: template }, settings });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'spica-e2e-'));
  });
  beforeEach(async () => {
    await redis.flush();
    template = await makeTemplate(await mkdtemp(join(dir, 'template-')).then((d) => join(d, 't')));
    return async () => stack.close();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const onDisk = async () =>
    (await readdir(stack.ctx.pool.paths.root)).filter((name) => name.startsWith('spica-'));
  const audit = () => readAudit(stack.ctx.audit.path);

  it('becomes whole instances with manifest, lineage and parameters', async () => {
    stack = await start();
    const { instances } = await stack.spawn({ count: 2, params: { SEED: 7, NAME: 'a b' }, notes: 'first' });
    expect(instances).toHaveLength(2);
    for (const { id, path } of instances) {
      const text = await readFile(join(path, 'manifest.json'), 'utf8');
      const manifest = JSON.parse(text);
      expect(text).toBe(`${JSON.stringify(manifest, null, 2)}\n`);
      expect(manifest).toMatchObject({
        schema: 'spica.manifest/v1',
        spica_id: id,
        template_version: '1.0.0',
        params: { SEED: 7, NAME: 'a b' },
        budget: { cpu: 4, ram_gb: 8, vram_gb: 8 },
        notes: 'first',
      });
      expect(await readFile(join(path, '.env.spica'), 'utf8')).toBe("MODEL=baseline\nSEED=7\nNAME='a b'\n");
      expect(await readdir(path)).not.toContain('.venv');
      expect((await stack.ctx.catalog.get(id))?.state).toBe('ready');
    }
    expect(stack.ctx.gate.ledger.requests).toEqual([]);
  });

  it('sees every edit of the template that was made before it was submitted', async () => {
    stack = await start();
    for (const version of ['2.0.0', '3.0.0', '4.0.0']) {
      await writeFile(join(template, 'VERSION'), `${version}\n`);
      const { instances } = await stack.spawn();
      expect(await readFile(join(instances[0]?.path ?? '', 'VERSION'), 'utf8')).toBe(`${version}\n`);
    }
  });

  it('has room made for it by retention, oldest first, with each deletion in the audit log', async () => {
    stack = await start({ 'pools.main.retention.max_instances': 10, 'pools.main.retention.trash_ttl': '0s' });
    const generations: string[][] = [];
    for (let generation = 0; generation < 4; generation += 1) {
      const { instances } = await stack.spawn({ count: 8, notes: `generation ${generation}` });
      generations.push(instances.map(({ id }) => id));
    }
    const left = await onDisk();
    expect(left).toHaveLength(10);
    expect(left).toEqual(expect.arrayContaining(generations[3] ?? []));
    // Slots are free at once; the space comes after.
    await expect.poll(() => readdir(stack.ctx.pool.paths.trash)).toEqual([]);
    const deleted = (await audit()).filter((e) => e.action === 'delete_instance' && e.outcome === 'deleted');
    const intents = (await audit()).filter((e) => e.action === 'delete_instance' && e.outcome === 'intent');
    expect(deleted).toHaveLength(22);
    expect(intents.map((e) => e.instance).sort()).toEqual(deleted.map((e) => e.instance).sort());
    expect(deleted.every((e) => e.reason && (e.bytes ?? 0) > 0 && !e.dry_run)).toBe(true);
  });

  it('is rejected at once when it can never fit, and nothing is pruned for it', async () => {
    stack = await start({ 'pools.main.retention.max_instances': 3 });
    await stack.spawn({ count: 3 });
    await expect(stack.spawn({ count: 4 })).rejects.toMatchObject({ kind: 'refused', code: 'NEVER_FITS' });
    expect(await onDisk()).toHaveLength(3);
    expect((await audit()).some((e) => e.action === 'reject_request' && e.outcome === 'NEVER_FITS')).toBe(
      true,
    );
  });

  it('is held with its reason visible while others are in flight, and served as soon as there is room', async () => {
    stack = await start({ 'pools.main.retention.max_instances': 2, 'gate.poll_every': '10m' });
    const ids = [
      await stack.submit({ count: 2 }),
      await stack.submit({ count: 2 }),
      await stack.submit({ count: 2 }),
    ];
    const results = await Promise.all(ids.map((id) => stack.watcher.wait(id)));
    expect(results.map(({ instances }) => instances.length)).toEqual([2, 2, 2]);
    expect(await onDisk()).toHaveLength(2);
    expect(stack.ctx.gate.line.inOrder()).toEqual([]);
  });

  it('is rejected after max_wait, with the reason, when no room comes free', async () => {
    stack = await start({
      'pools.main.retention.max_instances': 2,
      'pools.main.retention.prune_on_spawn': false,
    });
    await stack.spawn({ count: 2 });
    const id = await stack.submit({ count: 1, maxWaitMs: 300 });
    await expect(stack.watcher.wait(id)).rejects.toMatchObject({
      kind: 'refused',
      code: 'MAX_WAIT_EXCEEDED',
    });
    const job = await stack.queues.gate.getJob(id);
    expect(progressOf(job?.progress)).toMatchObject({ phase: 'rejected', code: 'MAX_WAIT_EXCEEDED' });
    expect((await job?.isFailed()) && job?.attemptsMade).toBe(1);
    expect(stack.ctx.gate.line.inOrder()).toEqual([]);
  });

  it("is refused by the template's name when the template has no VERSION, is empty or missing", async () => {
    stack = await start();
    await rm(join(template, 'VERSION'));
    await expect(stack.spawn()).rejects.toMatchObject({ kind: 'refused', code: 'TEMPLATE_NO_VERSION' });
    await rm(template, { recursive: true });
    await expect(stack.spawn()).rejects.toThrow(/template default/);
    await expect(stack.spawn({ template: 'nope' })).rejects.toMatchObject({ code: 'TEMPLATE_UNKNOWN' });
  });

  it('is refused where no instance could be what its author meant: a pattern of git, a repository that all share', async () => {
    stack = await start();
    await writeFile(join(template, '.templateignore'), '.venv/\n!keep.me\n');
    await expect(stack.spawn()).rejects.toMatchObject({ kind: 'refused', code: 'TEMPLATE_IGNORE_INVALID' });
    await writeFile(join(template, '.templateignore'), '.venv/\n');
    await writeFile(join(template, '.git'), 'gitdir: /elsewhere/.git/worktrees/t\n');
    await expect(stack.spawn()).rejects.toMatchObject({ kind: 'refused', code: 'TEMPLATE_GIT_FILE' });
    expect(await onDisk()).toEqual([]);
    await writeFile(join(template, '.templateignore'), '.venv/\n/.git\n');
    expect((await stack.spawn()).instances).toHaveLength(1);
  });

  it('leaves nothing behind when one of its spawns fails: siblings undone, reservation given back', async () => {
    stack = await start();
    await stack.spawn(); // prepares the template
    const id = await stack.submit({ count: 4, params: { OK: 1 } });
    // Whoever reaches the snapshot after this finds none: as if the disk had lost it.
    const prepared = await stack.ctx.templates.current('default');
    await rm(prepared?.path ?? '', { recursive: true });
    const outcome = await stack.watcher.wait(id).then(
      () => 'done',
      (error) => error.code,
    );
    const left = await onDisk();
    expect(left).toHaveLength(outcome === 'done' ? 5 : 1);
    expect(stack.ctx.gate.ledger.requests).toEqual([]);
    expect(await readdir(stack.ctx.pool.paths.staging)).toEqual([]);
  });

  it('ends with a clear error when a job was put into the queue by hand with a wrong payload', async () => {
    stack = await start();
    const bad = await stack.queues.gate.add('request', { request: { pool: 'main', count: -3 } });
    await expect(stack.watcher.wait(bad.id ?? '')).rejects.toThrow(/count: expected a whole number.*got -3/);
    const spawn = await stack.queues.spawn.add('spawn', { id: '../../etc' });
    const prune = await stack.queues.prune.add('prune', { cause: 'whim' });
    await expect.poll(() => spawn.getState()).toBe('failed');
    await expect.poll(() => prune.getState()).toBe('failed');
    expect(await onDisk()).toEqual([]);
  });
});
