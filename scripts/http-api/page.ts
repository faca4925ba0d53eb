import { readFile } from 'node:fs/promises';
import { apiRoutes, describeApi, sessionTexts } from '@spica/server';
import { renderApiPage } from './render.ts';

/** docs/http-api.md as it is to be. */
export async function apiPage(): Promise<string> {
  const introduction = await readFile(new URL('introduction.md', import.meta.url), 'utf8');
  const routes = apiRoutes({ transports: new Map(), streams: { open: 0 }, version: '', startedAt: '' });
  return renderApiPage(introduction, describeApi([...routes, ...sessionTexts], ''));
}
