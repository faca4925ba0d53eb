import { writeFile } from 'node:fs/promises';
import { apiPage } from './page.ts';

/** Writes docs/http-api.md: `npm run http-api`. */
await writeFile(new URL('../../docs/http-api.md', import.meta.url), await apiPage());
