import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { chargeOf, imageStack } from './stack.ts';

it('in an image a set-up is charged for what it writes, kept to the cap, and starts from what was prepared', async (context) => {
  const image = await imageStack();
  if ('skipped' in image) return context.skip(image.skipped);
  const write = 'dd if=/dev/urandom of=made bs=64K count=$((MEGABYTES * 16)) conv=fsync';
  const stack = await image.serve({
    'pools.main.disk.max_instance_gb': 0.02,
    'pools.main.templates': {
      default: {
        path: image.template,
        prepare: ['sh', '-c', 'echo ready >prepared'],
        setup: ['sh', '-c', `export LC_ALL=C; cat prepared; ${write}`],
      },
    },
  });
  const { instances } = await stack.spawn({ params: { MEGABYTES: 4 } });
  const { id = '', path = '' } = instances[0] ?? {};
  expect(await readFile(join(path, 'prepared'), 'utf8')).toBe('ready\n');
  expect((await chargeOf(image.pool, id))?.bytes).toBeGreaterThan(4e6);
  await expect(stack.spawn({ params: { MEGABYTES: 40 } })).rejects.toMatchObject({
    code: 'SETUP_FAILED',
    message: expect.stringContaining('Disk quota exceeded'),
  });
  expect(stack.ctx.gate.limits.breaker.failures).toBe(0);
});
