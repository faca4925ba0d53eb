import { type Problem, problemSchema } from '@spica/client/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiRoutes, describeApi } from '../../src/index.ts';
import { arbitraryOf } from './arbitrary.ts';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
let known: { readonly instance: string; readonly request: string };
beforeAll(async () => {
  // What does not fit is rejected at once, so that no call waits for room.
  api = await startApi({ settings: { 'gate.max_wait': '0s' } });
  const instance = await api.spawn('ada');
  const { json } = await api.call('ada', 'GET', `/v1/instances/${instance}`);
  known = { instance, request: (json as { request: string }).request };
});
afterAll(() => api.close());

const RUNS = 30;
const routes = apiRoutes({ transports: new Map(), streams: { open: 0 }, version: '', startedAt: '' });
const { paths } = describeApi(routes, '');
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);

const POOL = fc.oneof({ weight: 19, arbitrary: fc.constant('main') }, { weight: 1, arbitrary: fc.string() });
const ODD_ID = fc.string({ minLength: 1, maxLength: 20, unit: 'binary' });

/** What a header may hold (RFC 9110). */
const headerText = fc.string({ unit: fc.constantFrom(...'abcXYZ019 =;,"/*-_'), maxLength: 30 });

describe.each(operations)('$method $path', ({ method, path, operation }) => {
  const query = fc.record(
    Object.fromEntries(
      operation.parameters
        .filter(({ in: where }) => where === 'query')
        .map(({ name, schema }) => [name, name === 'pool' ? POOL : arbitraryOf(schema)]),
    ),
    { requiredKeys: [], noNullPrototype: true },
  );
  const headers = fc.record(
    Object.fromEntries(
      operation.parameters
        .filter(({ in: where }) => where === 'header')
        .map(({ name }) => [name, headerText]),
    ),
    { requiredKeys: [], noNullPrototype: true },
  );
  const schema = operation.requestBody?.content['application/json']?.schema;
  const body = schema ? arbitraryOf(schema) : fc.constant(undefined);
  const id = fc.oneof({ weight: 8, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: ODD_ID });
  const who = fc.constantFrom('operator' as const, 'ada' as const, 'viewer' as const);

  it('answers whatever it is called with as it is described, and is never at a loss', async () => {
    await fc.assert(
      fc.asyncProperty(who, id, query, headers, body, async (caller, of, asked, more, sent) => {
        const named = of ?? knownFor(path);
        const search = new URLSearchParams(
          Object.entries(asked).flatMap(([name, value]) =>
            [value]
              .flat()
              .map((each): [string, string] => [
                name,
                typeof each === 'string' ? each : JSON.stringify(each),
              ]),
          ),
        );
        const at = `${path.replace(/\{\w+\}/, () => encodeURIComponent(named.toWellFormed()))}?${search}`;
        const { status, text, json } = await api.call(caller, method, at, sent, {
          headers: more as Record<string, string>,
        });
        const shown = `${caller} ${method} ${at} ${JSON.stringify(sent)} → ${status} ${text}`;
        expect(status, shown).toBeLessThan(500);
        expect(text, shown).not.toMatch(/\bat .*\.(ts|js):\d/);
        if (caller === 'viewer') expect(text, shown).not.toContain(api.stack.ctx.pool.paths.root);
        if (status >= 400) requireProblem(json, status, shown);
        else requireDescribed(path, method, status, json, shown);
      }),
      { numRuns: RUNS },
    );
  });
});

function knownFor(path: string): string {
  if (path.startsWith('/v1/requests')) return known.request;
  return path.startsWith('/v1/instances') ? known.instance : 'main';
}

function requireProblem(json: unknown, status: number, shown: string): void {
  const problem: Problem = problemSchema.parse(json);
  expect(problem.status, shown).toBe(status);
  expect(problem.retryable, shown).toBe(status === 429 || status === 503);
}

/** Streams are described by their events: they are looked at elsewhere. */
function requireDescribed(path: string, method: string, status: number, json: unknown, shown: string): void {
  const answer = routes.find((route) => route.path === path && route.method === method)?.answers[status];
  if (path.endsWith('/events')) return;
  expect(answer, shown).toBeDefined();
  answer?.[1]?.parse(json);
}
