import { glob, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'vite';

/** All that a browser loads of the page, gzipped: more would be felt over a slow line, and creeps in unnoticed. */
const MOST_BYTES = 90_000;
const COMPRESSED = /\.(?:html|js|css|svg)$/;

/**
 * Builds the operator's page into `packages/web/dist`: index.html, and under `assets/` what it loads, with hashed names,
 * each also compressed (`.br`, `.gz`), so that the server need not. Resolves with the directories of the packages whose
 * code it holds, and with its size. Throws where it loads more than 90 kB gzipped.
 */
export async function buildPage(root: string): Promise<{ out: string; packages: string[]; bytes: number }> {
  const out = join(root, 'packages/web/dist');
  const packages = new Set<string>();
  await build({
    configFile: false,
    root: join(root, 'packages/web/src'),
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: out,
      emptyOutDir: true,
      target: 'es2022',
      modulePreload: false, // there is one module; the polyfill would be a script of its own
      assetsInlineLimit: 0, // data: in a style sheet is refused by the page's policy
      reportCompressedSize: false,
    },
    plugins: [
      {
        name: 'packages',
        generateBundle() {
          for (const id of this.getModuleIds()) {
            const dir = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)?.[1];
            if (dir !== undefined) packages.add(dir);
          }
        },
      },
    ],
  });
  const bytes = await compress(out);
  if (bytes > MOST_BYTES) {
    await rm(out, { recursive: true });
    throw new Error(`build: the page is ${bytes} bytes gzipped, expected at most ${MOST_BYTES}`);
  }
  return { out, packages: [...packages].sort(), bytes };
}

/** Writes each file compressed beside itself. Resolves with the sum of their bytes, gzipped. */
async function compress(out: string): Promise<number> {
  let sum = 0;
  for await (const name of glob('**/*', { cwd: out })) {
    if (!COMPRESSED.test(name)) continue;
    const path = join(out, name);
    const text = await readFile(path);
    const gzipped = await promisify(gzip)(text, { level: 9 });
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
    await writeFile(`${path}.gz`, gzipped);
    await writeFile(`${path}.br`, await promisify(brotliCompress)(text, quality));
    sum += gzipped.byteLength;
  }
  return sum;
}
