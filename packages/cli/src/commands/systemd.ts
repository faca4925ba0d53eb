import { stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { absolutePathOf, CONFIG_VARIABLES, type Config, nullIfMissing, UsageError } from '@spica/core';
import { auditPathOf, isInImage } from '@spica/pool';
import { type LoadedConfig, loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import type { GlobalOptions, Invocation, Io } from '../io.ts';
import { writeFields, writeJson } from '../output/write.ts';
import { isConfined, unitOf } from '../systemd/unit.ts';

export interface SystemdOptions {
  readonly user?: boolean;
  readonly output?: string;
}

/** What ends beside the jobs, such as the dashboard and Redis, gets so long. */
const ENDING_MS = 30_000;

/**
 * `spica systemd`: the unit that runs `spica up` with the config in force, for the machine's service manager or a user's.
 * It runs as who owns the pools, which are there; several owners are refused. Changes nothing but the file that it is told
 * to write.
 */
export async function systemd({ io, options }: Invocation<SystemdOptions>): Promise<number> {
  const loaded = await loadConfig(io, options);
  const config = choosePools(loaded.config, options.pool);
  const name = options.pool === undefined ? 'spica.service' : `spica-${options.pool}.service`;
  const isUsers = options.user === true;
  const inImage = await poolsInImages(config);
  const unit = unitOf({
    description: `Spica: pools ${Object.keys(config.pools).join(', ')}`,
    command: commandOf(loaded, options),
    workingDirectory: loaded.file === null ? io.cwd : null,
    environment: environmentOf(io, config),
    environmentFile: isUsers ? '%E/spica/environment' : '/etc/spica/environment',
    stateDirectory: isUsers ? null : stateDirectoryOf(config),
    writable: writableOf(config),
    needed: [...new Set([...writableOf(config), ...templatesOf(config)])],
    user: isUsers ? null : await ownerOf(config),
    isUsers,
    inImage,
    stopMs: config.shutdownTimeoutMs + ENDING_MS,
  });
  const path = options.output === undefined ? null : resolve(io.cwd ?? io.home, options.output, name);
  if (path !== null) await writeFile(path, unit);
  if (options.json) writeJson(io.stdout, { name, output: path, unit });
  else if (path === null) io.stdout.write(unit);
  else writeFields(io.stdout, [['unit', path]]);
  if (hasSecret(io)) {
    io.stderr.write(
      `note: REDIS_URL holds a password, so it is not in the unit: put it into ${secretsFile(isUsers)}\n`,
    );
  }
  // What lies elsewhere than in a pool the service makes itself, where it may.
  const required = isConfined({ isUsers, inImage }) ? writableBeforeStart(config) : rootsOf(config);
  for (const path of await missingOf(required)) {
    io.stderr.write(`note: ${path} is not there yet: the service does not start without it\n`);
  }
  return 0;
}

/** This very program: an update of it is the service's, too. */
function commandOf({ file }: LoadedConfig, { pool }: GlobalOptions): string[] {
  const main = resolve(process.argv[1] ?? '');
  return [
    process.execPath,
    main,
    'up',
    ...(file === null ? [] : ['--config', file]),
    ...(pool === undefined ? [] : ['--pool', pool]),
  ];
}

function environmentOf(io: Io, { stateDir }: Config): Record<string, string> {
  const taken = CONFIG_VARIABLES.filter((name) => io.env[name] && !(name === 'REDIS_URL' && hasSecret(io)));
  return {
    SPICA_STATE_DIR: stateDir,
    ...Object.fromEntries(taken.map((name) => [name, variableFor(io, name)])),
  };
}

/** A unit starts elsewhere than where it was written. */
function variableFor({ env, cwd, home }: Io, name: string): string {
  const value = env[name] ?? '';
  return name === 'REDIS_URL_FILE' ? absolutePathOf(name, value, { base: cwd, home }) : value;
}

/** Units are for all to read. */
function hasSecret({ env }: Io): boolean {
  const url = env['REDIS_URL'];
  return Boolean(url && URL.canParse(url) && new URL(url).password !== '');
}

function secretsFile(isUsers: boolean): string {
  return isUsers ? '~/.config/spica/environment (mode 0600)' : '/etc/spica/environment (mode 0600, of root)';
}

const rootsOf = ({ pools }: Config) => Object.values(pools).map(({ root }) => root);

const templatesOf = ({ pools }: Config) =>
  Object.values(pools).flatMap(({ templates }) => Object.values(templates).map(({ path }) => path));

/** The pools, the state, the audit log beside its lock, and where results go. */
function writableOf(config: Config): string[] {
  const results = Object.values(config.pools).flatMap(({ collectTo }) =>
    collectTo === null ? [] : [collectTo],
  );
  const audit = dirname(auditPathOf({ path: config.audit.path, stateDir: config.stateDir }));
  return [...new Set([...rootsOf(config), config.stateDir, audit, ...results])];
}

/** Without the state directory that systemd makes. */
function writableBeforeStart(config: Config): string[] {
  return writableOf(config).filter((path) => path !== config.stateDir || stateDirectoryOf(config) === null);
}

async function missingOf(paths: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const path of paths) {
    if ((await nullIfMissing(stat(path))) === null) missing.push(path);
  }
  return missing;
}

/** systemd makes what lies there, for whom the service runs as; null for a state directory elsewhere. */
function stateDirectoryOf({ stateDir }: Config): string | null {
  return /^\/var\/lib\/(.+)$/.exec(stateDir)?.[1] ?? null;
}

async function poolsInImages({ pools }: Config): Promise<string[]> {
  const names: string[] = [];
  for (const { name, root, image } of Object.values(pools)) {
    if (image !== null || (await isInImage(root))) names.push(name);
  }
  return names;
}

/** Who owns the pools' directories; null for root. Throws UsageError POOL_MISSING, OWNERS_DIFFER. */
async function ownerOf({ pools }: Config): Promise<{ uid: number; gid: number } | null> {
  const owners = new Map<number, { uid: number; gid: number; root: string }>();
  for (const { name, root } of Object.values(pools)) {
    const found = await nullIfMissing(stat(root));
    if (found === null) {
      const message = `pool ${name}: expected a directory at ${root}, whose owner the service runs as: run \`spica init\``;
      throw new UsageError('POOL_MISSING', message, { root });
    }
    owners.set(found.uid, { uid: found.uid, gid: found.gid, root });
  }
  const [first, second] = [...owners.values()];
  if (first && second) {
    const message = `pools: expected one owner, got ${first.uid} of ${first.root} and ${second.uid} of ${second.root}: make a unit for each with --pool`;
    throw new UsageError('OWNERS_DIFFER', message);
  }
  return first === undefined || first.uid === 0 ? null : { uid: first.uid, gid: first.gid };
}
