import { cp, glob, readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EXTERNAL } from './bundle.ts';

/** What Bull Board's pages name as a dependency is code, which the bundle holds. */
const BUNDLED: readonly string[] = ['@bull-board/api'];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * Puts what the package needs beside itself into its `node_modules`, from where pnpm has installed it: so `dist/spica` runs
 * wherever it is copied to, as into an image. npm leaves `node_modules` out when it packs.
 */
export async function copyExternals(root: string, out: string): Promise<void> {
  const copied = new Map<string, string>();
  for (const name of EXTERNAL) await copyWithDependencies(name, await find(root, name), out, copied);
}

/** All lie beside one another: two versions of one would need more, and are refused. */
async function copyWithDependencies(
  name: string,
  installed: string,
  out: string,
  copied: Map<string, string>,
): Promise<void> {
  const from = await realpath(installed);
  const before = copied.get(name);
  if (before === from) return;
  if (before !== undefined) throw new Error(`build: two versions of ${name}: ${before} and ${from}`);
  copied.set(name, from);
  const filter = (path: string) => basename(path) !== 'node_modules';
  await cp(from, join(out, 'node_modules', name), { recursive: true, filter });
  const { dependencies = {}, optionalDependencies = {} } = await readManifest(from);
  // pnpm puts what a package needs beside it.
  const beside = name.startsWith('@') ? dirname(dirname(from)) : dirname(from);
  for (const needed of Object.keys(dependencies).filter((each) => !BUNDLED.includes(each))) {
    await copyWithDependencies(needed, join(beside, needed), out, copied);
  }
  for (const wanted of Object.keys(optionalDependencies)) {
    const there = await realpath(join(beside, wanted)).catch(() => null); // it is for another machine
    if (there !== null) await copyWithDependencies(wanted, there, out, copied);
  }
}

async function readManifest(dir: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as Manifest;
}

async function find(root: string, name: string): Promise<string> {
  for await (const path of glob(`packages/*/node_modules/${name}`, { cwd: root })) return join(root, path);
  throw new Error(`build: ${name} is not installed for any of packages/*`);
}
