import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { type Pool, readChargesNow, unmountImage } from '@spica/pool';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { type ImageSite, imageSite } from '../../../../test/support/image.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

/** A pool in an image, to be served again and again within one test. */
export interface ImageStack {
  readonly site: ImageSite;
  readonly pool: Pool;
  readonly template: string;
  readonly target: { readonly url: string };
  serve(settings?: Readonly<Record<string, unknown>>): Promise<Stack>;
  /** Redis forgets everything. */
  flush(): Promise<void>;
  /** The image is unmounted, as at the end of a host. */
  unmount(): Promise<void>;
}

/** Ends with the test; the reason to skip it where this machine can have no images. */
export async function imageStack(
  options: {
    parent?: string;
    bytes?: number;
    allocate?: boolean;
    template?: Parameters<typeof makeTemplate>[1];
  } = {},
) {
  const site = await imageSite(options.parent);
  if ('skipped' in site) return site;
  onTestFinished(() => site.close());
  const pool = await site.make({ bytes: options.bytes ?? 512e6, allocate: options.allocate ?? false });
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const template = await makeTemplate(join(site.dir, 'template'), options.template);
  const stack: ImageStack = {
    site,
    pool,
    template,
    target: { url: server.url },
    async serve(settings = {}) {
      const served = await startStack({
        target: { url: server.url },
        root: site.root,
        templates: { default: template },
        settings: { 'pools.main.disk.check_every': '200ms', 'pools.main.disk.ballast_mb': 0, ...settings },
      });
      let closed = false;
      const close = async () => {
        if (!closed) await served.close();
        closed = true;
      };
      onTestFinished(close);
      return { ...served, close };
    },
    async flush() {
      const redis = new Redis(server.url);
      await redis.flushall();
      redis.disconnect();
    },
    unmount: () => unmountImage({ name: 'main', root: site.root }, { clock: systemClock }),
  };
  return stack;
}

/** What an instance is charged, once what was written is on the disk. */
export async function chargeOf(pool: Pool, id: string) {
  return (await readChargesNow(pool.paths.root))?.byInstance.get(id) ?? null;
}

/** What was measured of an instance last. */
export async function sampleOf({ ctx }: Stack, id: string) {
  return (await ctx.catalog.get(id))?.record.sample;
}

/** Writes until it is refused, or has written so much; what it was refused with. */
export async function write(dir: string, megabytes: number): Promise<string> {
  const args = [
    'if=/dev/urandom',
    `of=${join(dir, 'written')}`,
    'bs=64K',
    `count=${megabytes * 16}`,
    'conv=fsync',
  ];
  const { stderr } = await execa('dd', args, { env: { LC_ALL: 'C' }, reject: false });
  return /: ([A-Z][a-z ]+)$/m.exec(stderr)?.[1] ?? '';
}

export interface Spawned {
  readonly id: string;
  readonly dir: string;
}

export async function spawnOne(stack: Stack): Promise<Spawned> {
  const { instances } = await stack.spawn();
  const id = instances[0]?.id ?? '';
  return { id, dir: stack.ctx.pool.pathOf(id) };
}
