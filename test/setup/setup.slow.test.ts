import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pretendMachine } from './machine.ts';

/** An apt-get that brings the programs of the packages it is asked for, as the real one does. */
const APT = (bin: string) => `
for word in "$@"; do
  case "$word" in
    redis-tools) program=redis-check-rdb ;;
    rsync) program=rsync ;;
    *) continue ;;
  esac
  printf '#!/bin/sh\\n' >'${bin}'/$program
  chmod +x '${bin}'/$program
done`;

function debianAsRoot() {
  const machine = pretendMachine();
  machine.add('id', 'echo 0');
  machine.add('chmod', `exec ${join('/bin', 'chmod')} "$@"`);
  machine.add('apt-get', APT(machine.bin));
  return machine;
}

const installs = (calls: string[]) => calls.filter((call) => /^(apt-get|npx) /.test(call));

test('root on a fresh Debian gets what is missing, without a package that would start a service', async () => {
  const machine = debianAsRoot();
  const { exitCode, stdout, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(installs(machine.calls())).toEqual([
    'apt-get update',
    'apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 redis-tools rsync',
    expect.stringMatching(/^npx -y pnpm@\d+\.\d+\.\d+ install --frozen-lockfile$/),
  ]);
  expect(stderr.split('\n')).toEqual([
    'setup: installing redis-tools rsync with apt-get',
    expect.stringMatching(/^setup: installing JavaScript packages and Node 24 with pnpm@/),
    'setup: building the command and the page from their sources',
    expect.stringMatching(/^setup: done in \d+ s$/),
  ]);
});

test('a second run says nothing and calls nothing', async () => {
  const machine = debianAsRoot();
  await machine.run('setup.sh');
  const before = installs(machine.calls());
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr, calls: installs(machine.calls()) }).toEqual({
    exitCode: 0,
    stderr: '',
    calls: before,
  });
});

test('a changed lockfile is installed, once', async () => {
  const machine = debianAsRoot();
  await machine.run('setup.sh');
  appendFileSync(join(machine.checkout, 'pnpm-lock.yaml'), '# changed\n');
  const before = installs(machine.calls()).length;
  await machine.run('setup.sh');
  await machine.run('setup.sh');
  expect(installs(machine.calls()).slice(before)).toEqual([expect.stringMatching(/^npx /)]);
});

test.each([
  ['changed', (src: string) => appendFileSync(join(src, 'index.ts'), '// changed\n')],
  ['added', (src: string) => writeFileSync(join(src, 'new.ts'), '')],
  ['taken away', (src: string) => rmSync(join(src, 'index.ts'))],
  ['there, but the page was not', (src: string) => rmSync(join(src, '../../web/dist'), { recursive: true })],
])('the command and the page are built again, once, when a source was %s', async (_how, change) => {
  const machine = debianAsRoot();
  await machine.run('setup.sh');
  change(join(machine.checkout, 'packages/core/src'));
  const { stderr } = await machine.run('setup.sh');
  await machine.run('setup.sh');
  expect(machine.calls().filter((call) => call === 'build')).toHaveLength(2);
  expect(stderr).toContain('setup: building the command and the page from their sources');
});

test('a build that fails is quoted, and the next run tries again', async () => {
  const machine = debianAsRoot();
  const build = join(machine.checkout, 'scripts/build/main.ts');
  const working = readFileSync(build, 'utf8');
  writeFileSync(build, `throw new Error('no such module');`);
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('no such module') });
  writeFileSync(build, working);
  expect((await machine.run('setup.sh')).exitCode).toBe(0);
  expect(machine.calls().filter((call) => call === 'build')).toHaveLength(1);
});

test('without root it stops before anything is done, with the exact command to run', async () => {
  const machine = pretendMachine();
  machine.add('id', 'echo 1000');
  machine.add('sudo');
  machine.add('apt-get');
  machine.add('rsync');
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect(exitCode).toBe(1);
  expect(stderr.split('\n').at(-1)?.trim()).toBe(
    'sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-tools',
  );
  expect(installs(machine.calls())).toEqual([]);
  expect(existsSync(join(machine.checkout, 'node_modules'))).toBe(false);
});

test('an apt-get that fails is quoted, and no package is fetched after it', async () => {
  const machine = debianAsRoot();
  machine.add('apt-get', 'echo "E: no network" >&2; exit 100');
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('E: no network');
  expect(stderr).toContain('apt-get update && apt-get install -y --no-install-recommends redis-tools rsync');
  expect(machine.calls().filter((call) => call.startsWith('npx'))).toEqual([]);
});

test('a failed fetch of packages is quoted, and the next run tries again', async () => {
  const machine = debianAsRoot();
  const halfDone = `mkdir -p node_modules/.bin && ln -sfn '${process.execPath}' node_modules/.bin/node`;
  machine.add('npx', `${halfDone}; echo ERR_PNPM_META_FETCH_FAIL; exit 1`);
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('ERR_PNPM_META_FETCH_FAIL'),
  });
  machine.add('npx', halfDone);
  expect((await machine.run('setup.sh')).exitCode).toBe(0);
  expect(machine.calls().filter((call) => call.startsWith('npx'))).toHaveLength(2);
});

test.each([
  ['macOS', 'Darwin arm64', ':', 'this is Darwin arm64.'],
  ['a Linux without glibc', 'Linux x86_64', 'exit 1', 'this is Linux x86_64 without glibc.'],
  ['an architecture without a packaged Node', 'Linux riscv64', ':', 'this is Linux riscv64.'],
])(
  '%s without Node 24 is told what to install, and nothing is fetched',
  async (_name, uname, getconf, expected) => {
    const machine = pretendMachine();
    machine.add('uname', `[ "$1" = -s ] && echo ${uname.split(' ')[0]} || echo ${uname}`);
    machine.add('getconf', getconf);
    machine.add('node', 'exit 1');
    const { exitCode, stderr } = await machine.run('setup.sh');
    expect(exitCode).toBe(1);
    expect(stderr).toContain(expected);
    expect(stderr).toContain('Install Node 24 or newer');
    expect(installs(machine.calls())).toEqual([]);
  },
);

test('macOS with everything in place goes on with its own Node', async () => {
  const machine = pretendMachine();
  machine.add('uname', 'echo Darwin arm64');
  machine.add('npx', 'mkdir -p node_modules/.bin');
  machine.add('node', `exec '${process.execPath}' "$@"`);
  machine.add('redis-server');
  machine.add('rsync');
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringMatching(/done in \d+ s$/) });
  expect((await machine.run('setup.sh')).stderr).toBe('');
});

test('a Linux without apt-get is told which programs are missing', async () => {
  const machine = pretendMachine();
  machine.add('rsync');
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(/^setup: missing: redis-server \n.*installs on Debian and Ubuntu only/),
  });
});

test('a cp that lacks --reflink is refused by name', async () => {
  const machine = debianAsRoot();
  machine.add('cp', 'echo "usage: cp [-R] source target" >&2; exit 1');
  const { exitCode, stderr } = await machine.run('setup.sh');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringContaining('cp does not know --reflink: expected a newer GNU version'),
  });
});

test('for tests it also brings filesystems and a browser; a browser that cannot be had costs its tests alone, and is asked for once', async () => {
  const machine = debianAsRoot();
  machine.add('apt-get', `${APT(machine.bin)}\ncase "$*" in *chromium*) exit 100 ;; esac`);
  for (const name of ['mkfs.btrfs', 'mkfs.xfs', 'mkfs.ext4', 'setfattr', 'losetup', 'promtool'])
    machine.add(name);
  const { exitCode, stderr } = await machine.run('setup.sh', '--tests');
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: expect.stringContaining('setup: without chromium the tests in a browser are skipped by name'),
  });
  const asks = () => machine.calls().filter((call) => /^apt-get install .*chromium/.test(call));
  expect(asks()).toHaveLength(1);
  expect((await machine.run('setup.sh', '--tests')).stderr).toBe('');
  expect(asks()).toHaveLength(1);
});
