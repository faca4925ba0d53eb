import { glob, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXTERNAL } from './bundle.ts';

/**
 * Lets the package run from the checkout without being installed: what it needs beside itself is linked from where pnpm
 * has put it. npm leaves `node_modules` out when it packs.
 */
export async function linkExternals(root: string, out: string): Promise<void> {
  for (const name of EXTERNAL) {
    const link = join(out, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(await find(root, name), link);
  }
}

async function find(root: string, name: string): Promise<string> {
  for await (const path of glob(`packages/*/node_modules/${name}`, { cwd: root })) return join(root, path);
  throw new Error(`build: ${name} is not installed for any of packages/*`);
}
