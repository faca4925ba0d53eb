import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';

const CHECKOUT = join(import.meta.dirname, '../..');

/** What the set-up may count on: the shell, and what every Debian has. */
const BASICS = [
  ...[
    'bash',
    'sh',
    'env',
    'cat',
    'cksum',
    'date',
    'dirname',
    'flock',
    'getconf',
    'grep',
    'head',
    'id',
    'ln',
    'mkdir',
  ],
  ...['mktemp', 'mv', 'sed', 'sort', 'tail', 'tr', 'uname', 'cp', 'find', 'rm', 'setpriv'],
];

/**
 * A pretended machine: a checkout with the real scripts and manifests, one source file and a build that leaves a note
 * and an empty page, and a PATH that holds the basics, an `npx` that "installs" this very Node, and what the test adds.
 * Gone when the test has finished.
 */
export function pretendMachine() {
  const dir = mkdtempSync(join(tmpdir(), 'spica-setup-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const bin = join(dir, 'bin');
  const checkout = join(dir, 'checkout');
  const callsFile = join(dir, 'calls');

  mkdirSync(bin);
  for (const name of BASICS) symlinkSync(whereIs(name), join(bin, name));
  mkdirSync(join(checkout, 'packages/core/src'), { recursive: true });
  writeFileSync(join(checkout, 'packages/core/src/index.ts'), '');
  for (const path of [
    'scripts',
    'package.json',
    'pnpm-workspace.yaml',
    'pnpm-lock.yaml',
    'packages/core/package.json',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
  ]) {
    cpSync(join(CHECKOUT, path), join(checkout, path), { recursive: true });
  }

  /** Puts a shell script on the PATH, in the place of a basic of that name if there is one. */
  const add = (name: string, script = ':') => {
    const path = join(bin, name);
    rmSync(path, { force: true }); // a link to the real program: never to be written through
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>'${callsFile}'\n${script}\n`);
    chmodSync(path, 0o755);
  };
  const build = `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
    appendFileSync('${callsFile}', 'build\\n');
    mkdirSync('packages/web/dist', { recursive: true });
    writeFileSync('packages/web/dist/index.html', '');`;
  writeFileSync(join(checkout, 'scripts/build/main.ts'), build);
  add('npx', `mkdir -p node_modules/.bin && ln -sfn '${process.execPath}' node_modules/.bin/node`);

  return {
    checkout,
    bin,
    add,
    /** What the added programs were called with, in order. */
    calls: () => (existsSync(callsFile) ? readFileSync(callsFile, 'utf8').trimEnd().split('\n') : []),
    run: (script: string, ...args: string[]) =>
      execa(join(bin, 'sh'), [join(checkout, 'scripts', script), ...args], {
        env: { PATH: bin, HOME: dir, TMPDIR: dir },
        extendEnv: false,
        reject: false,
      }),
  };
}

function whereIs(name: string): string {
  const path = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  const found = path.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`${name}: expected to find it on the PATH`);
  return found;
}
