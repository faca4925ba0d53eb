import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type TestReceiver } from '../../packages/workers/test/notify/receiver.ts';
import { makeProjects, type Project, type Projects } from '../support/projects.ts';
import type { Up } from '../support/spica.ts';

/** A span as OTLP has it in JSON. */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

const spans: Span[] = [];
let collector: Server;
let receiver: TestReceiver;
let later: TestReceiver;
let projects: Projects;
let project: Project;
let up: Up;

/** Serves what `OTLP/HTTP` posts to. */
async function startCollector(): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
      for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function configure(...receivers: readonly TestReceiver[]): Promise<void> {
  const notify = receivers.map(({ url }) => ({ url, on: ['deleted'], secret: { env: 'HOOK_KEY' } }));
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0 };
  const config = {
    pools: { main: { disk, retention: { keep_after_lease: '0s' } } },
    server: { port: 0 },
    notify,
  };
  await writeFile(join(project.dir, 'spica.yaml'), JSON.stringify(config));
}

beforeAll(async () => {
  collector = await startCollector();
  [receiver, later] = [await startReceiver(), await startReceiver()];
  projects = await makeProjects();
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, HOOK_KEY: 'k3y' };
  project = await projects.add('observed', { env });
  await configure(receiver);
  await project.spica('init');
  up = await project.up();
});
afterAll(async () => {
  await projects.close();
  await Promise.all([receiver.close(), later.close()]);
  collector.close();
});

it('tells its receivers, and at SIGHUP those that the config names then, of what was deleted', async () => {
  const tried = await project.spica('notify', 'test');
  expect(tried.stdout).toBe(`${new URL(receiver.url).origin}/***\tdelivered`);
  await configure(receiver, later);
  up.signal('SIGHUP');
  const spawned = await project.spica('spawn', '-n', '2', '--json');
  expect(spawned.exitCode).toBe(0);
  await project.spica('prune', '--max-instances', '1', '--yes');
  const posts = [...(await receiver.waitFor(2)), ...(await later.waitFor(1))];
  const told = posts.map(({ body }) => JSON.parse(body)).filter(({ event }) => event === 'deleted');
  expect(told).toMatchObject([
    { pool: 'main', items: [{ instance: expect.stringMatching(/^spica-/) }] },
    { pool: 'main', items: [{ instance: expect.stringMatching(/^spica-/) }] },
  ]);
  expect(posts.every(({ headers }) => headers['spica-signature'])).toBe(true);
});

it('traces a request from its submission until it is ready, in one trace', async () => {
  await up.kill('SIGTERM'); // sends what has not gone out yet
  const submitted = spans.find(({ name }) => name === 'submit');
  const trace = spans.filter(({ traceId }) => traceId === submitted?.traceId);
  const names = trace.map(({ name }) => name);
  expect(names.filter((name) => name === 'spawn')).toHaveLength(2);
  expect(names).toEqual(expect.arrayContaining(['submit', 'decide', 'prepare', 'spawn']));
  const ids = new Set(trace.map(({ spanId }) => spanId));
  expect(trace.filter(({ parentSpanId }) => !parentSpanId || !ids.has(parentSpanId))).toEqual([submitted]);
  // What repeats, and BullMQ's own steps, are no spans.
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
});
