import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the manual page lies in the installed package. */
export const MAN_PAGE = 'man/spica.1';

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/**
 * The installed package's manifest. Its version is the one of the root's `package.json`; its dependencies are exactly
 * those that our packages name.
 *
 * @param externals Names of the packages that the bundle needs beside itself.
 */
export async function makeManifest(root: string, externals: readonly string[]): Promise<object> {
  const { version, description, license } = await readManifest(join(root, 'package.json'));
  return {
    name: 'spica',
    version,
    description,
    license,
    type: 'module',
    bin: { spica: 'lib/spica.js' },
    man: [`./${MAN_PAGE}`],
    exports: { '.': { types: './types/client/src/index.d.ts', default: './lib/index.js' } },
    engines: { node: '>=22.15' },
    os: ['linux'],
    dependencies: await versionsOf(root, externals),
  };
}

/** The manifest of `@spica/client` as a package of its own, which depends on nothing. */
export async function makeClientManifest(root: string): Promise<object> {
  const { version, license } = await readManifest(join(root, 'package.json'));
  return {
    name: '@spica/client',
    version,
    description: 'Spawns, leases, scores and releases Spica instances from an experiment runner',
    license,
    type: 'module',
    exports: {
      '.': { types: './types/client/src/index.d.ts', default: './lib/index.js' },
      './testing': { types: './types/client/src/testing/index.d.ts', default: './lib/testing.js' },
    },
    engines: { node: '>=22.15' },
  };
}

async function versionsOf(root: string, names: readonly string[]): Promise<Record<string, string>> {
  const known = new Map<string, string>();
  for await (const path of glob('packages/*/package.json', { cwd: root })) {
    const { dependencies = {} } = await readManifest(join(root, path));
    for (const [name, version] of Object.entries(dependencies)) known.set(name, version);
  }
  return Object.fromEntries(names.map((name) => [name, known.get(name) ?? unnamed(name)]));
}

function unnamed(name: string): never {
  throw new Error(`build: the bundle needs ${name}, which no package.json of packages/* names`);
}

async function readManifest(path: string): Promise<Manifest> {
  return JSON.parse(await readFile(path, 'utf8')) as Manifest;
}
