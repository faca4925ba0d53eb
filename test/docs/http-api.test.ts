import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { apiPage } from '../../scripts/http-api/page.ts';

it('docs/http-api.md is what `npm run http-api` makes of the routes', async () => {
  expect(await readFile(new URL('../../docs/http-api.md', import.meta.url), 'utf8')).toBe(await apiPage());
});
