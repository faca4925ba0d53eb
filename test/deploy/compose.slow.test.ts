import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spica } from '@spica/client';
import { ExecaError, execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { missingImage } from '../support/docker.ts';
import { freePort } from '../support/free-port.ts';
import { makeTemplate } from '../support/template.ts';
import { composeIn, findCompose, NO_MIRROR } from './compose.ts';

/** Of nobody on this host. */
const [UID, GID] = [4711, 4712];
const NODE_IMAGE = 'node:24-slim';
const REDIS_IMAGE = 'redis:7-alpine';

let compose: ReturnType<typeof composeIn>;
let missing: string | null = null;
let dir: string;
let url: string;
let token: string;

async function whyNot(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'giving a directory to another user needs root';
  for (const image of [REDIS_IMAGE, NODE_IMAGE]) {
    const why = await missingImage(image);
    if (why !== null) return why;
  }
  return (await findCompose()) === null ? 'compose is not installed (Debian: docker-compose)' : null;
}

/** What docs/deploying.md has one put there. */
async function writeProject(): Promise<Record<string, string>> {
  dir = await mkdtemp(join(tmpdir(), 'spica-compose-'));
  const at = (name: string) => join(dir, name);
  await makeTemplate(at('template'));
  for (const name of ['', 'instances', 'secrets']) await mkdir(at(name), { recursive: true });
  await chmod(dir, 0o755);
  await chown(at('instances'), UID, GID);
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
  const main = { root: at('instances'), templates: { default: at('template') }, disk };
  await writeFile(at('spica.yaml'), JSON.stringify({ pools: { main } }));
  const password = randomBytes(24).toString('hex');
  await writeFile(at('secrets/redis.conf'), `requirepass ${password}\n`);
  await writeFile(at('secrets/redis-url'), `redis://:${password}@redis:6379\n`);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  return {
    SPICA_DIR: dir,
    SPICA_CONFIG: at('spica.yaml'),
    SPICA_SECRETS: at('secrets'),
    SPICA_UID: String(UID),
    SPICA_GID: String(GID),
    SPICA_PORT: String(port),
    SPICA_IMAGE: 'spica:test',
    NODE_IMAGE,
    REDIS_IMAGE,
  };
}

beforeAll(async () => {
  missing = await whyNot();
  const command = await findCompose();
  if (missing !== null || command === null) return;
  await execa('sh', [join(import.meta.dirname, '../../scripts/setup.sh')]);
  compose = composeIn(command, `spica-test-${randomBytes(4).toString('hex')}`, await writeProject());
  try {
    await compose('build', 'worker');
  } catch (error) {
    if (!(error instanceof ExecaError) || !NO_MIRROR.test(`${error.stdout}${error.stderr}`)) throw error;
    missing = "Debian's packages, which the image needs, cannot be fetched";
    return;
  }
  await compose('run', '--rm', 'worker', 'init');
  token = (await compose('run', '--rm', '-T', 'worker', 'token', 'create', '--role', 'operator')).trim();
  await compose('up', '-d');
});

afterAll(async () => {
  if (dir === undefined) return;
  await compose('down', '-v', '--remove-orphans', '--timeout', '5');
  await rm(dir, { recursive: true });
});

beforeEach((context) => {
  if (missing !== null) context.skip(missing);
});

const LONG = { timeout: 120_000, interval: 500 };

async function ready(): Promise<void> {
  const status = () => fetch(`${url}/readyz`).then(({ status }) => status, String);
  await expect.poll(status, LONG).toBe(200);
}

const PATIENT = { timeout: 300_000 };

async function spawnOne() {
  await using spica = await Spica.connect({ url, token });
  const request = await spica.spawn({ count: 1, lease: '1h', params: { LR: 0.1 } });
  await using batch = await request.ready({ timeout: '2m' });
  const [instance] = batch.instances;
  return { id: instance?.id ?? '', path: instance?.path ?? '' };
}

async function poolView(): Promise<{ blind: unknown }> {
  const response = await fetch(`${url}/v1/pools/main`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as { blind: unknown };
}

it(
  'from nothing to an instance, through the published port with a token, as a user that nobody knows',
  PATIENT,
  async () => {
    await ready();
    const { path } = await spawnOne();
    const { uid, gid } = await stat(path); // by the same path outside
    expect([uid, gid]).toEqual([UID, GID]);
    expect((await fetch(`${url}/v1/pools`)).status).toBe(401);
    await expect(compose('exec', '-T', 'worker', 'touch', '/opt/spica/x')).rejects.toThrow(
      /Read-only file system/,
    );
    const image = await execa('docker', [
      'inspect',
      '--format',
      '{{json .Config.Healthcheck.Test}}',
      'spica:test',
    ]);
    const [, ...check] = JSON.parse(image.stdout);
    await compose('exec', '-T', 'worker', ...check); // which fails where it is not healthy
  },
);

it('says that it cannot see who uses an instance', PATIENT, async () => {
  expect((await poolView()).blind).toEqual({
    why: 'processes outside of this container are not listed',
    keepMs: 3 * 86_400_000,
  });
  expect(await compose('logs', 'worker')).toContain('nobody can see from here who uses an instance');
  expect(await compose('exec', '-T', 'worker', 'spica', 'doctor').catch(({ stdout }) => stdout)).toContain(
    'cannot be seen',
  );
});

it('goes on when redis was killed and is back', PATIENT, async () => {
  await compose('kill', '-s', 'SIGKILL', 'redis');
  await compose('start', 'redis');
  await ready();
  const { path } = await spawnOne();
  expect((await stat(path)).isDirectory()).toBe(true);
});

it('down and up lose nothing', PATIENT, async () => {
  const { id } = await spawnOne();
  const ask = (path: string, options: RequestInit = {}) =>
    fetch(`${url}/v1/${path}`, {
      ...options,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
  const pinned = await ask(`instances/${id}/pin`, { method: 'PUT', body: '{"why":"to be kept"}' });
  expect(pinned.status).toBeLessThan(300);
  const seen = async () => {
    const { items } = (await (await ask('instances?limit=100')).json()) as {
      items: { id: string; pin: unknown }[];
    };
    return items.map(({ id, pin }) => ({ id, pin })).sort((a, b) => a.id.localeCompare(b.id));
  };
  const before = await seen();
  expect(before.find((each) => each.id === id)?.pin).toMatchObject({ why: 'to be kept' });
  const entries = async () =>
    JSON.parse(await compose('exec', '-T', 'worker', 'spica', 'audit', 'verify', '--json'));
  const lines = (await entries()).lines;
  await compose('down');
  await compose('up', '-d');
  await ready();
  expect(await seen()).toEqual(before);
  expect((await entries()).lines).toBeGreaterThanOrEqual(lines);
});
