import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ExecaError, execa, type Options } from 'execa';
import { makeTemplate } from '../support/template.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

/** What npm says where no registry answers and its cache does not hold what is asked for. */
const NO_REGISTRY =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|E50\d)\b/;

/** A user's machine: the package is installed, and the home and the project hold nothing of Spica's yet. */
export interface Machine {
  readonly project: string;
  /** Environment of its programs. */
  readonly env: Readonly<Record<string, string>>;
  /** Where npm put the package. */
  readonly installed: string;
  /** Makes a project of that name that has installed `@spica/client`, and returns its directory. */
  installClient(name: string): Promise<string>;
  /** Runs the installed command in the project, to its end. */
  spica(...args: string[]): Promise<{ exitCode?: number; stdout: string; stderr: string }>;
  /** Runs it in a directory that is gone by then. */
  spicaInGone(...args: string[]): Promise<{ exitCode?: number; stdout: string; stderr: string }>;
  /** Starts `spica up` and resolves with the address of its dashboard once it is up. */
  up(): Promise<string>;
  /** Ends `spica up` as Ctrl-C does, and removes everything. */
  close(): Promise<void>;
}

/**
 * Packs `dist/spica`, which the set-up has built, and installs the tarball with npm under a prefix of its own. The command
 * runs on the Node that SPICA_TEST_NODE names, else on this one. Throws RegistryUnreachable where npm cannot fetch.
 */
export async function install(): Promise<Machine> {
  await execa('sh', [join(CHECKOUT, 'scripts/setup.sh')]);
  const dir = await mkdtemp(join(tmpdir(), 'spica-dist-'));
  const at = (name: string) => join(dir, name);
  for (const name of ['bin', 'home', 'prefix', 'project']) await mkdir(at(name));
  await symlink(process.env['SPICA_TEST_NODE'] ?? process.execPath, join(at('bin'), 'node'));
  const env = {
    PATH: [at('bin'), join(at('prefix'), 'bin'), systemPath()].join(delimiter),
    HOME: at('home'),
  };
  const options = { cwd: at('project'), env, extendEnv: false, reject: false, stdin: 'ignore' } as const;
  try {
    await installPackage(await pack(dir, 'spica'), ['--global', '--prefix', at('prefix')], options);
    await writeProject(at('project'));
  } catch (error) {
    await rm(dir, { recursive: true });
    throw error;
  }
  const stops: (() => Promise<void>)[] = [];
  return {
    project: at('project'),
    env,
    installed: join(at('prefix'), 'lib/node_modules/spica'),
    async installClient(name) {
      const cwd = at(name);
      await mkdir(cwd);
      await writeFile(join(cwd, 'package.json'), '{ "type": "module" }');
      await installPackage(await pack(dir, 'client'), [], { ...options, cwd });
      return cwd;
    },
    spica: (...args) => execa('spica', args, options),
    async spicaInGone(...args) {
      const cwd = await mkdtemp(join(dir, 'gone-'));
      return execa('bash', ['-c', 'rmdir "$0" && exec spica "$@"', cwd, ...args], { ...options, cwd });
    },
    async up() {
      const running = execa('spica', ['up', '--json'], options);
      stops.push(async () => {
        running.kill('SIGINT');
        await running;
      });
      const failed = running.then(({ stderr }) =>
        Promise.reject(new Error(`spica up has ended:\n${stderr}`)),
      );
      failed.catch(() => undefined); // it is to end one day
      const [said] = await Promise.race([once(running.stdout, 'data'), failed]);
      return JSON.parse(String(said)).board;
    },
    async close() {
      for (const stop of stops) await stop();
      await rm(dir, { recursive: true, maxRetries: 5 }); // a command that was given up may still write
    },
  };
}

/** No registry answers, so that nothing can be installed. */
export class RegistryUnreachable extends Error {}

/** Resolves with the path of the tarball. */
async function pack(dir: string, name: 'spica' | 'client'): Promise<string> {
  const args = ['pack', '--silent', '--pack-destination', dir, join(CHECKOUT, 'dist', name)];
  return join(dir, (await execa('npm', args)).stdout.trim());
}

/**
 * npm keeps the registry, the authorities that it trusts and the cache of packages that this user has; the home is empty.
 */
async function installPackage(tarball: string, where: readonly string[], options: Options): Promise<void> {
  const setting = async (name: string) => (await execa('npm', ['config', 'get', name])).stdout;
  const from = { npm_config_registry: await setting('registry'), npm_config_cache: await setting('cache') };
  const trusted = process.env['NODE_EXTRA_CA_CERTS'];
  const trust = trusted === undefined ? {} : { NODE_EXTRA_CA_CERTS: trusted };
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0', '--fetch-timeout=20000'];
  const args = ['install', ...where, ...quick, tarball];
  try {
    await execa('npm', args, { ...options, env: { ...options.env, ...from, ...trust }, reject: true });
  } catch (error) {
    const code = error instanceof ExecaError ? NO_REGISTRY.exec(String(error.stderr))?.[0] : undefined;
    if (code === undefined) throw error;
    throw new RegistryUnreachable(`npm cannot fetch what the package depends on (${code})`);
  }
}

/** Without the programs of the checkout. */
function systemPath(): string {
  const entries = (process.env['PATH'] ?? '').split(delimiter);
  return entries.filter((entry) => !entry.endsWith('node_modules/.bin')).join(delimiter);
}

/** Large enough that the template is listed, and cloned, as large ones are. */
async function writeProject(dir: string): Promise<void> {
  await makeTemplate(join(dir, 'template'), { files: 300 });
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
  const main = { root: './instances', templates: { default: './template' }, disk };
  const sample = { every: '1h' }; // what is asked twice is answered twice alike
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ pools: { main }, server: { port: 0 }, sample }));
}
