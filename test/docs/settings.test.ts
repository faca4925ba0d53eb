import { readFile } from 'node:fs/promises';
import { resolveConfig } from '@spica/core';
import { expect, it } from 'vitest';

const PAGE = new URL('../../docs/configuration.md', import.meta.url);
/** `| \`setting\` | \`default\` | …` */
const ROW = /^\| `([a-z_]+(?:\.[a-zA-Z_]+)*)` \| `([^`]*)` \|/gm;

it('docs/configuration.md lists every setting with its default, and none that there is not', async () => {
  const page = await readFile(PAGE, 'utf8');
  const listed = Object.fromEntries([...page.matchAll(ROW)].map(([, path, value]) => [path, value]));
  const { effective } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });
  const settings = effective
    .filter(({ path }) => path !== 'state_dir')
    .map(({ path, value }) => [generic(path), text(value).replace(/^\//, './')]);
  expect(listed).toEqual(Object.fromEntries(settings));
});

/** Names that users choose, of pools and templates, stand as NAME. */
function generic(path: string): string {
  return path.replace(/^pools\.main\./, 'pools.NAME.').replace('.templates.default.', '.templates.NAME.');
}

function text(value: unknown): string {
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}
