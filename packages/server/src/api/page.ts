import { escapeHtml } from '../html.ts';
import type { OpenApi, Operation } from './openapi.ts';

/** The description of the API as one page that needs nothing else: no script, and nothing from the internet. */
export function renderPage({ info, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      renderOperation(method.toUpperCase(), path, operation),
    ),
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spica: HTTP API</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Spica: HTTP API</h1>
<p>${prose(info.description)}</p>
<p>Version ${escapeHtml(info.version)}. As <a href="/v1/openapi.json">OpenAPI 3.1</a>.</p>
${operations.join('\n')}
</body>
</html>
`;
}

function renderOperation(method: string, path: string, operation: Operation): string {
  const rows = operation.parameters.map(
    ({ name, in: where, description = '', schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${where}</td><td>${prose(description)} ${escapeHtml(typeOf(schema))}</td></tr>`,
  );
  const parameters = rows.length > 0 ? `<table>${rows.join('')}</table>` : '';
  const body = operation.requestBody?.content['application/json']?.schema;
  const answers = Object.entries(operation.responses).map(([status, { description, content = {} }]) => {
    const schemas = Object.entries(content).map(([type, { schema }]) => renderSchema(type, schema));
    return `<dt>${escapeHtml(status)}</dt><dd>${prose(description)}${schemas.join('')}</dd>`;
  });
  return `<details><summary><b class="${method}">${method}</b> <code>${escapeHtml(path)}</code> ${prose(operation.summary)}</summary>
<p>${prose(operation.description)}</p>${parameters}${body ? renderSchema('body', body) : ''}<dl>${answers.join('')}</dl></details>`;
}

function renderSchema(title: string, schema: unknown): string {
  return `<details><summary>${escapeHtml(title)}</summary><pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre></details>`;
}

function typeOf({ type, enum: values, default: preset }: Readonly<Record<string, unknown>>): string {
  const kind = Array.isArray(values) ? values.join(' | ') : typeof type === 'string' ? type : '';
  return preset === undefined ? kind : `${kind}, default ${JSON.stringify(preset)}`;
}

/** Text with `code` in it. */
function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

export const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{background:#f5f5f5;padding:.5rem;overflow:auto}
details{border:1px solid #ddd;border-radius:4px;margin:.4rem 0;padding:.4rem .6rem}summary{cursor:pointer}
b{display:inline-block;min-width:4.5em}.GET{color:#06c}.POST{color:#080}.PUT{color:#a60}.DELETE{color:#b00}
td{padding:.1rem .8rem .1rem 0;vertical-align:top}dt{float:left;width:4em;font-weight:bold}dd{margin-left:4em}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}pre{background:#222}details{border-color:#444}a{color:#6af}}`;
