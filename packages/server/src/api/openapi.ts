import { problemSchema } from '@spica/client/wire';
import * as z from 'zod';
import type { RouteText } from './route.ts';

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly operationId: string;
  /** The least role, and whether a runner may only with its own. */
  readonly 'x-role': string;
  readonly 'x-own-only': boolean;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}
type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly unknown[];
  readonly components: unknown;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const POOL: Parameter = {
  name: 'pool',
  in: 'query',
  required: false,
  description: 'the pool; by default the only one, else `main`',
  schema: { type: 'string' },
};

/** The description of the HTTP API, from the schemas by which it checks and answers. */
export function describeApi(routes: readonly RouteText[], version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describe(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spica',
      version,
      description:
        'Runs the life of disk-heavy instances. Errors are `application/problem+json`; only 429 and 503 are worth another ' +
        'try, after `Retry-After`. Lists are `{ items, next }`: `next` is the `cursor` of the part after it, null at the end. ' +
        'Times are ISO-8601 UTC, sizes are bytes.',
    },
    security: [{ token: [] }],
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'a token of `spica token create`' },
      },
      schemas: { Problem: toJson(problemSchema, 'output') },
    },
    paths,
  };
}

function describe(route: RouteText): Operation {
  const parameters = parametersOf(route);
  const needs = route.ownOnly ? `${route.role}, with what is its own; operator` : route.role;
  return {
    summary: route.summary,
    description: [`Role: ${needs}.`, route.description].filter(Boolean).join(' '),
    tags: [route.path.split('/')[2] ?? ''],
    operationId: `${route.method.toLowerCase()}${route.path.replace(/\{\w+\}/g, 'One').replace(/[/-](\w)/g, (_, letter: string) => letter.toUpperCase())}`,
    'x-role': route.role,
    'x-own-only': route.ownOnly === true,
    parameters,
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: toJson(route.body, 'input') } },
          },
        }
      : {}),
    responses: responsesOf(route),
  };
}

function parametersOf(route: RouteText): Parameter[] {
  const ofPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']): Parameter => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
  const headers = Object.entries(route.headers ?? {}).map(([name, description]): Parameter => {
    return { name, in: 'header', required: false, description, schema: { type: 'string' } };
  });
  return [...ofPath, ...(route.ofPool ? [POOL] : []), ...queryOf(route), ...headers];
}

function queryOf({ query }: RouteText): Parameter[] {
  if (!query) return [];
  const { properties = {}, required = [] } = toJson(query, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => {
    const { description } = schema as { description?: string };
    const text = description === undefined ? {} : { description };
    return { name, in: 'query', required: required.includes(name), ...text, schema };
  });
}

function responsesOf(route: RouteText): Operation['responses'] {
  const answers = Object.entries(route.answers).map(([status, [description, schema]]) => {
    const content =
      schema === null ? {} : { content: { 'application/json': { schema: toJson(schema, 'output') } } };
    return [status, { description, ...content }] as const;
  });
  const problem = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const responses: Record<string, { description: string; content?: Content }> = Object.fromEntries(answers);
  if (route.events) {
    const stream = { 'text/event-stream': { schema: toJson(route.events, 'output') } };
    const whole = responses['200'];
    const description = whole ? `${whole.description}, or a stream of events` : 'A stream of events';
    responses['200'] = { description, content: { ...whole?.content, ...stream } };
  }
  responses['default'] = { description: 'A problem', content: problem };
  return responses;
}

function toJson(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}
