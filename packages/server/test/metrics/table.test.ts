import { readFile } from 'node:fs/promises';
import type { WorkEvent } from '@spica/core';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics/metrics.ts';

const ROOT = new URL('../../../../', import.meta.url);
const page = () => readFile(new URL('docs/metrics.md', ROOT), 'utf8');
const dashboard = () => readFile(new URL('deploy/grafana/spica.json', ROOT), 'utf8');

const metrics = createMetrics({
  pools: [],
  probe: async () => null,
  clock: { now: () => 0 },
  version: '1.2.3',
  work: { on: (_: (event: WorkEvent) => void) => () => undefined, protection: () => [] },
});
metrics.close();

/** Each of Spica's own metrics as a row of the page's table. */
async function rows(): Promise<string[]> {
  const all = await metrics.registry.getMetricsAsJSON();
  return all
    .filter(({ name }) => name.startsWith('spica_'))
    .map(({ name, help, type }) => {
      const { labelNames } = metrics.registry.getSingleMetric(name) as unknown as { labelNames: string[] };
      const labels = labelNames.length > 0 ? labelNames.join(', ') : '–';
      return `| \`${name}\` | ${type} | ${labels} | ${help} |`;
    });
}

it('docs/metrics.md has a row for each metric, with its type, labels and meaning, and for none that there is not', async () => {
  const listed = (await page()).split('\n').filter((line) => line.startsWith('| `spica_'));
  expect(listed.toSorted()).toEqual((await rows()).toSorted());
});

it('keeps to the names and units of Prometheus', async () => {
  const all = (await metrics.registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith('spica_'));
  const counters = all.filter(({ type }) => String(type) === 'counter').map(({ name }) => name);
  expect(counters.filter((name) => !name.endsWith('_total'))).toEqual([]);
  const others = all.filter(({ type }) => String(type) !== 'counter').map(({ name }) => name);
  expect(others.filter((name) => name.endsWith('_total'))).toEqual([]);
  expect(all.map(({ name }) => name).filter((name) => /_(ms|milliseconds|gb|mb|kb)(_|$)/.test(name))).toEqual(
    [],
  );
});

it('the dashboard uses only metrics and labels that there are', async () => {
  const { panels, templating } = JSON.parse(await dashboard());
  const expressions = [...panels, ...templating.list].flatMap((each) => [
    ...(each.targets ?? []).map(({ expr }: { expr: string }) => expr),
    ...(typeof each.query === 'string' ? [each.query] : []),
  ]);
  const used = new Set(
    expressions.flatMap((text) =>
      [...text.matchAll(/\b(?:spica|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name),
    ),
  );
  const known = (await metrics.registry.getMetricsAsJSON()).flatMap(({ name, type }) =>
    String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  expect(used.size).toBeGreaterThan(20);
  expect([...used].filter((name) => !known.includes(name))).toEqual([]);
});
