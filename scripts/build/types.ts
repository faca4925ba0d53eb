import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { execa } from 'execa';

/** What `import 'spica'` gives, and `import '@spica/client'`. */
export const CLIENT_TYPES = 'client/src/index.d.ts';
export const TESTING_TYPES = 'client/src/testing/index.d.ts';
/** An import or export of another module: what is taken, and where from. */
const FROM = /\b(import|export) ([^;]*?) from '([^']+)';/g;

/**
 * Writes the type declarations of what runners import into `<out>/types`: those of `@spica/client`, and what they name of
 * our other packages. They name no other package's types, since the installed package brings none: throws where they
 * would. What is marked `@internal` is left out. Whether the types hold is not checked here (`scripts/check.sh` does).
 */
export async function writeTypes(root: string, out: string, entries: readonly string[]): Promise<void> {
  const emitted = await mkdtemp(join(tmpdir(), 'spica-types-'));
  try {
    await execa(
      join(root, 'node_modules/.bin/tsc'),
      ['-p', 'scripts/build/types.json', '--outDir', emitted],
      {
        cwd: root,
      },
    );
    const names = await namesIn(emitted);
    const todo = new Set(entries); // grows while it is gone through
    for (const path of todo) {
      const text = await readFile(join(emitted, path), 'utf8');
      const resolved = text.replaceAll(FROM, (_, verb, taken, from) =>
        from.startsWith('@spica/')
          ? fromPackage(names, { verb, taken, from, path })
          : `${verb} ${taken} from '${from.replace(/\.ts$/, '.js')}';`,
      );
      for (const [, , , from = ''] of resolved.matchAll(FROM)) {
        if (from.startsWith('.')) todo.add(posix.join(dirname(path), from.replace(/\.js$/, '.d.ts')));
        else if (!from.startsWith('node:'))
          throw new Error(`build: the types of ${path} name those of ${from}`);
      }
      const to = join(out, 'types', path);
      await mkdir(dirname(to), { recursive: true });
      await writeFile(to, resolved);
    }
  } finally {
    await rm(emitted, { recursive: true });
  }
}

interface Statement {
  readonly verb: string;
  readonly taken: string;
  readonly from: string;
  readonly path: string;
}

/**
 * The same import or export, of the modules that declare the names: a package's index names far more than a runner needs.
 */
function fromPackage(names: ReadonlyMap<string, string>, { verb, taken, from, path }: Statement): string {
  const type = taken.startsWith('type ') ? 'type ' : '';
  const wanted = taken
    .slice(type.length)
    .replace(/^\{|\}$/g, '')
    .split(',');
  return wanted
    .map((each) => each.trim())
    .filter((each) => each !== '')
    .map((each) => {
      const module = names.get(`${from} ${each.replace(/^type | as .*$/g, '')}`);
      if (module === undefined) throw new Error(`build: ${path}: cannot find ${each} in ${from}`);
      return `${verb} ${type}{ ${each} } from '${posix.relative(dirname(path), module)}';`;
    })
    .join('\n');
}

/** For each name that a module of a package declares, as `@spica/core CheckError`, the module. */
async function namesIn(emitted: string): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for await (const path of glob('*/src/**/*.d.ts', { cwd: emitted })) {
    const text = await readFile(join(emitted, path), 'utf8');
    const declared = /^export (?:declare )?(?:abstract )?(?:class|interface|type|const|function) (\w+)/gm;
    const [directory] = path.split('/');
    for (const [, name] of text.matchAll(declared))
      names.set(`@spica/${directory} ${name}`, path.replace(/\.d\.ts$/, '.js'));
  }
  return names;
}
