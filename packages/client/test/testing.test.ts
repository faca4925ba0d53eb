import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LeaseLostError } from '../src/index.ts';
import { TestServer, type TestServerOptions } from '../src/testing/index.ts';
import { testInstances } from './suite/instances.ts';
import { testLeases } from './suite/lease.ts';
import type { ServeClient } from './suite/serve.ts';
import { testSpawning } from './suite/spawn.ts';

const MAX_INSTANCES = 'pools.main.retention.max_instances';

async function start(options: TestServerOptions = {}) {
  const server = await TestServer.start(options);
  const spica = server.connect();
  onTestFinished(async () => {
    await spica.close();
    await server.close();
  });
  return { server, spica };
}

const serve: ServeClient = async (settings = {}) => {
  const state = await mkdtemp(join(tmpdir(), 'spica-client-'));
  vi.stubEnv('XDG_STATE_HOME', state); // where a client keeps its secret
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(state, { recursive: true });
  });
  const maxInstances = settings[MAX_INSTANCES] as number | undefined;
  const { spica } = await start(maxInstances === undefined ? {} : { maxInstances });
  return { spica, held: async () => (await spica.status()).heldCount };
};

describe('over a server in memory', () => {
  testSpawning(serve);
  testLeases(serve);
  testInstances(serve);
});

describe('a server in memory', () => {
  it('copies the template, and says what was asked for in each instance', async () => {
    const template = await mkdtemp(join(tmpdir(), 'spica-template-'));
    onTestFinished(() => rm(template, { recursive: true }));
    await mkdir(join(template, 'src'));
    await writeFile(join(template, 'src/main.py'), 'print(1)\n');
    await writeFile(join(template, '.env.spica'), 'MODEL=baseline\n');
    await writeFile(join(template, 'VERSION'), '1.2\n');
    const { spica } = await start({ templates: { default: template } });
    const { instances } = await (await spica.spawn({ count: 2, params: { LR: 0.1 } })).ready();
    for (const { id, path } of instances) {
      expect(await readFile(join(path, 'src/main.py'), 'utf8')).toBe('print(1)\n');
      expect(await readFile(join(path, '.env.spica'), 'utf8')).toBe('MODEL=baseline\nLR=0.1\n');
      const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
      expect(manifest).toMatchObject({ spica_id: id, template_version: '1.2', params: { LR: 0.1 } });
    }
    await expect((await spica.spawn({ count: 1, template: 'web' })).ready()).rejects.toMatchObject({
      code: 'TEMPLATE_UNKNOWN',
      message: 'template: expected one of: default, got "web"',
    });
  });

  it('gives the same ids each time', async () => {
    const idsOf = async () => {
      const { spica } = await start();
      const requests = [await spica.spawn({ count: 2 }), await spica.spawn({ count: 1 })];
      const batches = await Promise.all(requests.map((request) => request.ready()));
      return batches.flatMap(({ instances }) => instances.map(({ id }) => id));
    };
    expect(await idsOf()).toEqual(await idsOf());
  });

  it('makes room by deleting what nobody needs, and says of what is gone why', async () => {
    const { spica } = await start({ maxInstances: 2 });
    const first = await (await spica.spawn({ count: 2, lease: '1h' })).ready();
    const request = await spica.spawn({ count: 1 });
    await expect.poll(async () => (await spica.status()).heldCount).toBe(1);
    const [kept, discarded] = first.instances;
    await discarded?.release();
    expect((await request.ready()).instances).toHaveLength(1);
    await expect(discarded?.view()).rejects.toMatchObject({
      code: 'INSTANCE_GONE',
      details: { audit: { instance: discarded?.id, outcome: 'trashed' } },
    });
    expect((await kept?.view())?.lease?.inForce).toBe(true);
    await first.release();
  });

  it('keeps what a runner that is gone has leased, and gives up what waited for too long', async () => {
    const { server, spica } = await start({ maxInstances: 1 });
    const crashed = server.connect();
    await (await crashed.spawn({ count: 1, lease: '1h' })).ready();
    const request = await spica.spawn({ count: 1, maxWait: '50ms' });
    await expect(request.ready()).rejects.toMatchObject({
      code: 'MAX_WAIT_EXCEEDED',
      details: { verdict: 'short' },
    });
  });

  it('tells a runner that its lease was taken', async () => {
    const { server, spica } = await start();
    const { instances } = await (await spica.spawn({ count: 1, lease: '3s' })).ready();
    const [instance] = instances;
    const other = server.connect();
    const taken = await other.instances.lease(instance?.id ?? '', { lease: '1h', force: true });
    await expect.poll(() => instance?.signal.aborted).toBe(true);
    expect(instance?.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(instance?.signal.reason).toMatchObject({ code: 'LEASE_TAKEN' });
    await taken.release();
    await other.close();
  });

  it('says of what it does not have that it has not', async () => {
    const { spica } = await start();
    expect(await spica.preflight({ count: 11 })).toMatchObject({ verdict: 'impossible' });
    await expect(spica.plan()).rejects.toMatchObject({ code: 'NOT_IN_MEMORY' });
    await expect(spica.audit.tail()).rejects.toThrow('audit: a server in memory has none');
  });
});
