import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Finding, fail, ok, warn } from './finding.ts';

/** The programs that do the disk work, and the Debian package that has each. */
const NEEDED: Readonly<Record<string, string>> = {
  rsync: 'rsync',
  cp: 'coreutils',
  rm: 'coreutils',
  chmod: 'coreutils',
  find: 'findutils',
};

/** What is missed only a little: the package, and what for. */
const WANTED: Readonly<Record<string, readonly [string, string]>> = {
  git: [
    'git',
    'instances that are git repositories are kept, since nothing tells what would be lost with them',
  ],
  ionice: ['util-linux', 'deletion and measuring take the disk from others'],
};

/** For the embedded Redis alone. Debian's redis-tools has the server under its checker's name. */
const FOR_REDIS: readonly (readonly [readonly string[], string])[] = [
  [['redis-server', 'redis-check-rdb'], 'redis-tools'],
  [['setpriv'], 'util-linux'],
];

/** For results in archives. */
const FOR_ARCHIVES: Readonly<Record<string, string>> = { tar: 'tar', zstd: 'zstd' };

/**
 * Are the programs there that Spica runs? `embedded`: it is to run a Redis of its own, too. `packs`: it is to pack results
 * (`collect_as: tar.zst`).
 */
export async function checkTools(
  env: Readonly<Record<string, string | undefined>>,
  { embedded, packs }: { readonly embedded: boolean; readonly packs: boolean },
): Promise<Finding[]> {
  const isHere = (program: string) => isOnPath(program, env['PATH'] ?? '');
  const findings: Finding[] = [];
  const missing: string[] = [];
  for (const [program, debian] of Object.entries({ ...NEEDED, ...(packs ? FOR_ARCHIVES : {}) })) {
    if (await isHere(program)) continue;
    missing.push(program);
    findings.push(fail('tools', `${program} was not found`, install(debian)));
  }
  for (const [program, [debian, lost]] of Object.entries(WANTED)) {
    if (!(await isHere(program)))
      findings.push(warn('tools', `${program} was not found: ${lost}`, install(debian)));
  }
  for (const [programs, debian] of embedded ? FOR_REDIS : []) {
    const there = await Promise.all(programs.map(isHere));
    if (there.includes(true)) continue;
    missing.push(...programs);
    findings.push(fail('tools', `${programs[0]} was not found`, `${install(debian)}, or set REDIS_URL`));
  }
  return missing.length > 0
    ? findings
    : [ok('tools', `${Object.keys(NEEDED).join(', ')} are there`), ...findings];
}

function install(debian: string): string {
  return `install it (Debian, Ubuntu: apt-get install ${debian})`;
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const dir of [...path.split(delimiter)]) {
    if (dir !== '' && (await isExecutable(join(dir, program)))) return true;
  }
  return false;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: look on
  }
}
