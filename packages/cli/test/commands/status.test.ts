import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openRedisTransport } from '@spica/client/redis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.keep_after_lease': '0s' });
});
afterAll(() => cli.close());

const status = async () => JSON.parse((await cli.spica('status', '--json')).stdout).pools[0];

it('begins with how the pool stands in a sentence, the same as the HTTP API says', async () => {
  await expect.poll(async () => (await status()).verdict.level).toBe('safe');
  const { stdout } = await cli.spica('status');
  const [first, second] = stdout.split('\n');
  expect(first).toMatch(/^Safe: [\d.]+ [GT]B above the floor/);
  expect(second).toMatch(/^pool\s+main$/);
  const transport = await openRedisTransport(cli.stack.target, { pool: 'main' });
  const { verdict } = await transport.poolStatus();
  await transport.close();
  const withoutFigure = (sentence = '') => sentence.replace(/[\d.]+/, '…'); // a moment lies between them
  expect(withoutFigure(verdict.sentence)).toBe(withoutFigure(first));
});

it('shows one moment: who uses the disk now, not what the worker saw some seconds ago', async () => {
  const { instances } = await cli.stack.spawn();
  const [{ id, path } = { id: '', path: '' }] = instances;
  await writeFile(join(path, 'grown'), Buffer.alloc(20_000_000, 'x'));
  await cli.spica('sample', id);
  await expect.poll(async () => (await status()).outlook.use.instancesBytes).toBeGreaterThan(20e6);
  expect((await status()).outlook.use.trashBytes).toBe(0);
  await cli.spica('prune', '--max-instances', '0', '--yes');
  const { outlook, disk } = await status();
  expect(outlook.use.trashBytes).toBeGreaterThan(20e6);
  expect(outlook.use.templatesBytes).toBeGreaterThan(0);
  expect(outlook.use.availableBytes).toBe(disk.availableBytes);
});

it('ls shows when each instance would go, and by which rule', async () => {
  const { instances } = await cli.stack.spawn({ count: 2 });
  const [pinned = '', free = ''] = instances.map(({ id }) => id);
  await cli.spica('pin', pinned, '--why', 'baseline');
  const { stdout } = await cli.spica('ls', '--json');
  const goes = Object.fromEntries(
    JSON.parse(stdout).instances.map((each: { id: string; goes: unknown }) => [each.id, each.goes]),
  );
  expect(goes[pinned]).toMatchObject({ at: null, rule: 'pinned' });
  const spawnedAt = (await cli.stack.ctx.catalog.get(free))?.record.spawnedAt ?? 0;
  expect(goes[free]).toMatchObject({ at: new Date(spawnedAt + 3 * 86_400_000).toISOString(), rule: 'age' });
});
