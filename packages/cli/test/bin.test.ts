import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';

const BIN = fileURLToPath(new URL('../src/bin.ts', import.meta.url));

/** What the command says where Node says that it is of this version. */
async function startedOn(version: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`;
  const preload = `data:text/javascript,${encodeURIComponent(pretend)}`;
  return execa(process.execPath, ['--import', preload, BIN, '--version'], { reject: false });
}

it.each(['20.19.4', '22.14.0'])('says on Node %s which one it needs', async (version) => {
  expect(await startedOn(version)).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: `error: spica needs Node 22.15 or newer, this is v${version}`,
  });
});

it.each(['22.15.0', '24.0.0'])('starts on Node %s', async (version) => {
  expect(await startedOn(version)).toMatchObject({ exitCode: 0, stderr: '' });
});
