import type { OpenApi } from '@spica/server';

type Operation = OpenApi['paths'][string][string];
type Parameter = Operation['parameters'][number];
type Schema = Readonly<Record<string, unknown>>;

/** docs/http-api.md, of its introduction and the description of the API. */
export function renderApiPage(introduction: string, { paths }: OpenApi): string {
  const calls = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const rows = calls.map(
    ({ method, path, operation }) =>
      `| \`${method} ${path}\` | ${sayRole(operation)} | ${operation.summary} |`,
  );
  const overview = ['| call | role | what it does |', '|---|---|---|', ...rows].join('\n');
  const sections = calls.map(({ method, path, operation }) => renderCall(`${method} ${path}`, operation));
  return `${introduction.trim()}\n\n## Calls\n\n${overview}\n\n${sections.join('\n\n')}\n`;
}

function sayRole(operation: Operation): string {
  return operation['x-own-only'] ? `${operation['x-role']} (its own), operator` : operation['x-role'];
}

function renderCall(title: string, operation: Operation): string {
  const { parameters, requestBody, responses } = operation;
  const description = operation.description.replace(/^Role: [^.]*\. ?/, '');
  const body = requestBody?.content['application/json']?.schema as Schema | undefined;
  const parts = [
    `### \`${title}\``,
    `${operation.summary}.${description === '' ? '' : ` ${description}`}`,
    parameters.length > 0 ? parameters.map(renderParameter).join('\n') : null,
    body && renderBody(body),
    Object.entries(responses)
      .filter(([status]) => status !== 'default')
      .map(([status, { description: text, content = {} }]) => `- ${status}: ${text}${sayShape(content)}`)
      .join('\n'),
  ];
  return parts.filter((part) => part !== null && part !== undefined && part !== '').join('\n\n');
}

function renderParameter({ name, in: where, description, schema }: Parameter): string {
  const facts = [description, sayType(schema)].filter((fact) => fact !== undefined && fact !== '');
  return `- \`${name}\` (${where})${facts.length > 0 ? `: ${facts.join('; ')}` : ''}`;
}

function renderBody(schema: Schema): string | null {
  const properties = propertiesOf(schema);
  const required = (schema['required'] ?? []) as string[];
  if (properties.length === 0) return null;
  const rows = properties.map(([name, each]) => {
    const preset = 'default' in each ? `\`${JSON.stringify(each['default'])}\`` : '';
    return `| \`${name}\` | ${sayType(each)} | ${required.includes(name) ? 'required' : preset} |`;
  });
  return ['| field of the body | type | default |', '|---|---|---|', ...rows].join('\n');
}

/** The names of what an answer has, and how deep it is, no more: /v1/openapi.json has all of it. */
function sayShape(content: Readonly<Record<string, { readonly schema: Schema }>>): string {
  const shapes = Object.entries(content).map(([type, { schema }]) => {
    const shape = shapeOf(schema);
    return type === 'text/event-stream' ? ` (events: ${shape})` : `: ${shape}`;
  });
  return shapes.join('');
}

function shapeOf(schema: Schema): string {
  if (Array.isArray(schema['anyOf'])) {
    return [
      ...new Set((schema['anyOf'] as Schema[]).filter(({ type }) => type !== 'null').map(shapeOf)),
    ].join(' or ');
  }
  const properties = propertiesOf(schema);
  if (properties.length === 0) return '`{}`';
  const shown = properties.map(([name, each]) => {
    const { type, items } = each as { type?: unknown; items?: Schema };
    return type === 'array' && items && propertiesOf(items).length > 0
      ? `${name}: [${shapeText(items)}]`
      : name;
  });
  return `\`{ ${shown.join(', ')} }\``;
}

function shapeText(schema: Schema): string {
  return `{ ${propertiesOf(schema)
    .map(([name]) => name)
    .join(', ')} }`;
}

function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
}

function sayType(schema: Schema): string {
  const { type, enum: values, anyOf, pattern, maximum, minimum } = schema;
  if (Array.isArray(anyOf)) return [...new Set((anyOf as Schema[]).map(sayType))].join(' or ');
  if (Array.isArray(values)) return values.map((value) => `\`${value}\``).join(', ');
  const range = [
    typeof minimum === 'number' && minimum > Number.MIN_SAFE_INTEGER ? `at least ${minimum}` : null,
    typeof maximum === 'number' && maximum < Number.MAX_SAFE_INTEGER ? `at most ${maximum}` : null,
  ].filter((each) => each !== null);
  const shape = typeof pattern === 'string' ? ` like \`${pattern.replaceAll('|', '\\|')}\`` : '';
  return `${String(type ?? 'any')}${range.length > 0 ? ` (${range.join(', ')})` : ''}${shape}`;
}
