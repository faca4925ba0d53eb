import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listTrash } from '@spica/pool';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { type Mount, mountTmpfs } from '../../../../test/support/mount.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

const FILE_BYTES = 20_000_000;

let disk: Mount;
let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack | null;
beforeEach(async (context) => {
  stack = null;
  disk = await mountTmpfs({ bytes: 64e6 });
  if ('skipped' in disk) return context.skip(disk.skipped);
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-reclaim-'));
  const template = await makeTemplate(join(dir, 'template'));
  stack = await startStack({
    target: { url: server.url },
    root: join(disk.dir, 'pool'),
    templates: { default: template },
    settings: { 'pools.main.disk.ballast_mb': 0, 'pools.main.retention.trash_ttl': '1h' },
  });
});
afterEach(async () => {
  if ('skipped' in disk) return;
  await stack?.close();
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

it('names the process that keeps the space of deleted files, when it does not come back', async () => {
  if (!stack) throw new Error('the stack is there from beforeEach on');
  const { ctx, queues } = stack;
  const { instances } = await stack.spawn();
  await writeFile(join(instances[0]?.path ?? '', 'result.bin'), Buffer.alloc(FILE_BYTES));
  await queues.prune.add('prune', { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null });
  const bytes = async () => (await listTrash(ctx.pool))[0]?.note?.bytes ?? 0;
  await expect.poll(bytes).toBeGreaterThan(FILE_BYTES); // measured in the trash
  const [entry] = await listTrash(ctx.pool);

  const held = join(entry?.path ?? '', 'result.bin');
  const holder = execa('tail', ['--follow=descriptor', '--bytes=0', '--', held], { reject: false });
  try {
    await expect.poll(() => filesOf(holder.pid)).toContain(held);
    await queues.prune.add('trash', { pool: 'main', cause: 'trash', all: true });
    const logged = async () =>
      (await readAudit(ctx.audit.path)).find(({ action }) => action === 'verify_reclaim');
    await expect.poll(logged).toMatchObject({ outcome: 'short', instance: null });
    expect((await logged())?.reason).toContain(`still open in process ${holder.pid} (tail)`);
  } finally {
    holder.kill();
    await holder;
  }
});

async function filesOf(pid: number | undefined): Promise<string[]> {
  const dir = `/proc/${pid}/fd`;
  return Promise.all((await readdir(dir)).map((fd) => readlink(join(dir, fd))));
}
