import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenApi, Server } from '../../src/index.ts';
import { serve, startRedis, type TestRedis } from '../served.ts';

let redis: TestRedis;
let server: Server;
beforeAll(async () => {
  redis = await startRedis();
  server = await serve(redis.redis, []);
});
afterAll(async () => {
  await server.close();
  await redis.close();
});

it('describes each call with its role, parameters, body and answers, as OpenAPI 3.1', async () => {
  const response = await fetch(new URL('/v1/openapi.json', server.url));
  const api = (await response.json()) as OpenApi;
  expect([api.openapi, api.info.version]).toEqual(['3.1.0', '1.2.3']);
  const operations = Object.values(api.paths).flatMap((methods) => Object.values(methods));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { responses } of operations) expect(Object.keys(responses)).toContain('default');
  for (const [path, methods] of Object.entries(api.paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters } of Object.values(methods))
      expect(parameters.filter(({ in: where }) => where === 'path').map(({ name }) => name)).toEqual(named);
  }
  const submit = api.paths['/v1/requests']?.['post'];
  expect(submit?.requestBody?.content['application/json']?.schema).toMatchObject({
    required: ['count'],
    properties: { count: { type: 'integer', minimum: 1, maximum: 10_000 } },
  });
});

it('shows all of it on one page that needs no script and nothing from elsewhere', async () => {
  const response = await fetch(new URL('/docs', server.url));
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await response.text();
  expect(page).toContain('<code>/v1/instances/{id}/lease</code>');
  expect(page).not.toMatch(/<script|https?:\/\//);
});
