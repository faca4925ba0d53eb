import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { capture, runCaptured } from '../capture.ts';

/** A name that systemd would read otherwise. */
const POOL = 'a pool of 5%';

async function project({ image = false } = {}) {
  const io = capture();
  const [root, template, state] = [POOL, 'template', 'state'].map((name) => join(io.cwd, name));
  for (const dir of [root, template, state]) await mkdir(dir ?? '');
  const pool = { root, templates: { default: template }, ...(image ? { image: { size_gb: 1 } } : {}) };
  const config = {
    pools: { main: pool },
    audit: { path: join(io.cwd, 'audit.jsonl') },
    shutdown_timeout: '90s',
  };
  await writeFile(join(io.cwd, 'spica.yaml'), JSON.stringify(config));
  return { io, root: root ?? '', state: state ?? '' };
}

async function unitIn(io: ReturnType<typeof capture>, ...args: string[]) {
  const { exitCode, stderr } = await runCaptured(['systemd', '--output', io.cwd, ...args], io);
  expect(stderr).not.toContain('error');
  expect(exitCode).toBe(0);
  return readFile(join(io.cwd, 'spica.service'), 'utf8');
}

/** What systemd has to say against a unit; null where it cannot be asked. */
async function verify(io: ReturnType<typeof capture>, ...args: string[]): Promise<string | null> {
  const run = await execa('systemd-analyze', [...args, 'verify', join(io.cwd, 'spica.service')], {
    env: { XDG_RUNTIME_DIR: io.cwd },
    reject: false,
    all: true,
  });
  return run.code === 'ENOENT' ? null : `${run.all}${run.exitCode === 0 ? '' : `exit ${run.exitCode}`}`;
}

const NO_SYSTEMD = 'systemd-analyze is not installed (Debian: systemd)';

it("the machine's unit passes systemd's check, writes to the pool and the state alone, and stops later than its jobs", async (context) => {
  const { io, root, state } = await project();
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(root, 1234, 1234);
  const unit = await unitIn(io);
  const lines = unit.split('\n');
  const escaped = root.replaceAll('%', '%%');
  expect(lines.filter((line) => line.startsWith('ReadWritePaths='))).toEqual([
    `ReadWritePaths="${escaped}"`,
    `ReadWritePaths=${state}`,
    `ReadWritePaths=${io.cwd}`,
  ]);
  for (const line of [
    'Type=notify',
    'ProtectSystem=strict',
    'NoNewPrivileges=yes',
    'KillMode=mixed',
    'TimeoutStopSec=120',
    `RequiresMountsFor="${escaped}"`,
    `Environment=SPICA_STATE_DIR=${state}`,
    ...(isRoot ? ['User=1234', 'Group=1234', 'CapabilityBoundingSet='] : []),
  ]) {
    expect(lines).toContain(line);
  }
  expect(unit).toMatch(/^WatchdogSec=\d+$/m);
  expect(unit).not.toMatch(/^(MemoryDenyWriteExecute|ProtectProc|PrivatePIDs|ProcSubset)=/m);
  const said = await verify(io);
  if (said === null) return context.skip(NO_SYSTEMD);
  expect(said).toBe('');
  await writeFile(join(io.cwd, 'spica.service'), unit.replace('KillMode=mixed', 'KillMode=maxed'));
  expect(await verify(io)).toContain('maxed'); // it does look
});

it("a user's unit has nothing that would hide other processes from it", async (context) => {
  const { io } = await project();
  const unit = await unitIn(io, '--user');
  expect(unit).toContain('WantedBy=default.target');
  expect(unit).not.toMatch(
    /^(User|Protect\w+|ReadWritePaths|Private\w+|RestrictNamespaces|\w+BoundingSet)=/m,
  );
  const said = await verify(io, '--user');
  if (said === null) return context.skip(NO_SYSTEMD);
  expect(said).toBe('');
});

it('a pool in an image is mounted where others see it, too', async () => {
  const { io } = await project({ image: true });
  const unit = await unitIn(io);
  expect(unit).not.toMatch(/^(ProtectSystem|ProtectHome|ReadWritePaths|ProtectKernel\w+|PrivateTmp)=/m);
  expect(unit).toContain('nobody else would see the image of main');
});

it('keeps a password of Redis out of a file that all may read, and says where it goes', async () => {
  const { io } = await project();
  const withPassword = { ...io, env: { ...io.env, REDIS_URL: 'redis://:hush@redis.example:6379' } };
  const { stdout, stderr } = await runCaptured(['systemd'], withPassword);
  expect(stdout).not.toContain('hush');
  expect(stderr).toContain('/etc/spica/environment');
  const open = { ...io, env: { ...io.env, REDIS_URL: 'redis://redis.example:6379' } };
  expect((await runCaptured(['systemd'], open)).stdout).toContain(
    'Environment=REDIS_URL=redis://redis.example:6379',
  );
});

it('names what must be there before the service starts, and nothing that it makes itself', async () => {
  const { io, root, state } = await project();
  const noted = async (...args: string[]) =>
    (await runCaptured(['systemd', ...args], { ...capture(), cwd: io.cwd, env: io.env })).stderr;
  const note = (path: string) => `note: ${path} is not there yet: the service does not start without it\n`;
  await rm(state, { recursive: true });
  expect(await noted()).toBe(note(state));
  expect(await noted('--user')).toBe('');
  await rm(root, { recursive: true });
  expect(await noted('--user')).toBe(note(root));
});
