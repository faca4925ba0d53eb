import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

const require = createRequire(import.meta.url);

/**
 * A template that is a real tree: what is installed here of the npm packages that bring Node's headers and the
 * TypeScript compiler (some 2,800 files, tens of MB), with all that makes templates awkward: a `.venv/` that
 * `.templateignore` keeps out, a read-only cache directory, symlinks (one of them dangling) and an `.env.spica`.
 */
export async function makeTemplate(dir: string): Promise<void> {
  await mkdir(join(dir, 'cache'), { recursive: true });
  const [headers, compiler] = await findPackages();
  await execa('cp', ['-a', '--reflink=auto', '--', join(headers, 'include'), join(dir, 'include')]);
  await execa('cp', ['-a', '--reflink=auto', '--', compiler, join(dir, 'compiler')]);
  await writeFile(join(dir, 'VERSION'), '1.4.2\n');
  await writeFile(join(dir, '.templateignore'), '# not part of an experiment\n.venv/\n__pycache__/\n*.log\n');
  await writeFile(join(dir, '.env.spica'), 'MODEL=baseline\n');
  await mkdir(join(dir, '.venv', 'bin'), { recursive: true });
  await writeFile(join(dir, '.venv', 'bin', 'python'), 'a heavy thing that every instance would carry\n');
  await writeFile(join(dir, 'run.log'), 'yesterday\n');
  await writeFile(join(dir, 'cache', 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n');
  await chmod(join(dir, 'cache', 'CACHEDIR.TAG'), 0o444);
  await chmod(join(dir, 'cache'), 0o555);
  await symlink('include/node/node.h', join(dir, 'node.h'));
  await symlink('/nowhere/at/all', join(dir, 'dangling'));
}

async function findPackages(): Promise<[headers: string, compiler: string]> {
  const platform = `linux-${process.arch}`;
  const typescript = createRequire(await realpath(require.resolve('typescript/package.json')));
  return [
    dirname(require.resolve(`node-${platform}/package.json`)),
    dirname(typescript.resolve(`@typescript/typescript-${platform}/package.json`)),
  ];
}
