import { execa } from 'execa';
import { expect, it } from 'vitest';
import { MAIN } from '../../../test/support/spica.ts';

/** Runs a line of shell in which `spica` is the program as users have it. */
async function shell(line: string) {
  const script = `spica() { "$NODE" "$MAIN" "$@"; }\n${line}`;
  const env = { NODE: process.execPath, MAIN, SPICA_STATE_DIR: '/nonexistent' };
  const { exitCode, stdout, stderr } = await execa('sh', ['-c', script], { env, cwd: '/', reject: false });
  return { exitCode, stdout, stderr };
}

it.each([
  ['is read by nobody', '{ (spica nosuch; echo $? >&3) 2>&1 | true; } 3>&1'],
  ['is on a full disk', 'spica nosuch 2>/dev/full; echo $?'],
  ['is closed', 'spica nosuch 2>&-; echo $?'],
])('exits as it would otherwise when standard error %s', async (_, line) => {
  expect((await shell(line)).stdout).toBe('2');
});

it('says in one line, and by its exit code, that standard output could not be written', async () => {
  const why = 'standard output: ENOSPC: no space left on device, write';
  const plain = await shell('spica config 2>&1 >/dev/full | tail -n 1');
  expect(plain.stdout).toBe(`error: ${why}`);
  const json = await shell('spica config --json >/dev/full');
  expect(json.exitCode).toBe(1);
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'OUTPUT_UNWRITABLE', message: why } });
});

it('takes a reader that has seen enough for no failure', async () => {
  const { stdout, stderr } = await shell('{ (spica --help; echo $? >&3) | true; } 3>&1');
  expect([stdout, stderr]).toEqual(['0', '']);
});
