import { cp, glob, mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type OutputChunk, rolldown } from 'rolldown';

/**
 * Packages that stay outside of the bundle and become dependencies of the installed package: they bring a native binary
 * (koffi), or files that are looked for at run time (the code of worker threads, the pages of Bull Board).
 */
export const EXTERNAL: readonly string[] = ['@bull-board/ui', 'koffi', 'piscina'];

/** Where the command's package starts: the command, what runners import, and what worker threads run (pool/src/threads). */
export const COMMAND: Readonly<Record<string, string>> = {
  spica: 'packages/cli/src/bin.ts',
  index: 'packages/client/src/index.ts',
  tasks: 'packages/pool/src/threads/tasks.ts',
};

/** Where the client's own package starts. */
export const CLIENT: Readonly<Record<string, string>> = {
  index: 'packages/client/src/index.ts',
  testing: 'packages/client/src/testing/index.ts',
};

/** The oldest Node that the bundle is for. */
const TARGET = 'node22';

/**
 * Bundles what starts at some modules (by name) into `<out>/lib`, one flat directory of modules: each command has its own,
 * and what several need is shared. Resolves with the directories of the packages whose code the bundle holds, Spica's own
 * left out. Throws where an import cannot be resolved.
 */
export async function bundle(
  root: string,
  out: string,
  entries: Readonly<Record<string, string>>,
): Promise<string[]> {
  const build = await rolldown({
    cwd: root,
    input: entries,
    platform: 'node',
    external: (id) => EXTERNAL.includes(packageOf(id)),
    transform: {
      target: TARGET,
      inject: { AsyncDisposableStack: ['@whatwg-node/disposablestack', 'AsyncDisposableStack'] }, // Node 22 has none
    },
    // But for main.ts, nothing in our packages has an effect when it is imported: a command holds only what it uses.
    treeshake: {
      moduleSideEffects: [
        { test: /[\\/]cli[\\/]src[\\/]main\.ts$/, sideEffects: true },
        { test: /[\\/]packages[\\/]\w+[\\/]src[\\/]/, sideEffects: false },
      ],
    },
    onLog(_level, log, report) {
      if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
      if (log.code !== 'EVAL') report('warn', log); // Bull Board's way to find its pages, which board.ts spares it
    },
  });
  const { output } = await build.generate({
    format: 'esm',
    // Less to read; names stay, for stack traces.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true, legalComments: 'none' } },
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
  });
  await build.close();
  const lib = join(out, 'lib');
  await mkdir(lib, { recursive: true });
  const chunks = output.filter((each) => each.type === 'chunk');
  for (const { fileName, code } of chunks) await writeFile(join(lib, fileName), toAscii(code));
  await copyData(root, lib);
  return packagesIn(chunks);
}

/**
 * Files that a module reads from beside itself (Lua). The bundle's modules lie in one directory, so they go there, by
 * their paths below `src`.
 */
async function copyData(root: string, lib: string): Promise<void> {
  for await (const path of glob('packages/*/src/**/*.lua', { cwd: root })) {
    const below = relative('.', path).replace(/^packages\/\w+\/src\//, '');
    await cp(join(root, path), join(lib, below), { errorOnExist: true, force: false });
  }
}

/**
 * The same code without a character outside of ASCII: V8 takes twice the memory for a text that has one. Throws where a
 * backslash stands before one, as the escape would then mean something else.
 */
function toAscii(code: string): string {
  const escaped = /(?<!\\)(?:\\\\)*\\[^\0-\x7f]/.exec(code);
  if (escaped) throw new Error(`build: cannot write ${JSON.stringify(escaped[0])} in ASCII`);
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function packagesIn(chunks: readonly OutputChunk[]): string[] {
  const dirs = chunks
    .flatMap(({ moduleIds }) => moduleIds)
    .map((id) => /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)?.[1])
    .filter((dir) => dir !== undefined);
  return [...new Set(dirs)].sort();
}

/** `@scope/name/file` is in the package `@scope/name`. */
function packageOf(id: string): string {
  return id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/');
}
