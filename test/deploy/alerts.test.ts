import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alertsOf, resolveConfig } from '@spica/core';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spica } from '../support/spica.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFile(join(ROOT, path), 'utf8');

function groupsOf(flags: Readonly<Record<string, unknown>> = {}, inImage: readonly string[] = []) {
  const { config } = resolveConfig({ file: null, env: {}, flags, cwd: '/', home: '/' });
  return alertsOf(config, { inImage: new Set(inImage), runbooks: 'docs/operating.md' });
}

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-alerts-'));
});
afterAll(() => rm(dir, { recursive: true }));

it('deploy/prometheus/alerts.yml is what `spica alerts` writes for the default config', async () => {
  const env = { SPICA_STATE_DIR: join(dir, 'state') };
  const { stdout, exitCode } = await spica(['alerts'], env, dir);
  expect(exitCode).toBe(0);
  expect(await read('deploy/prometheus/alerts.yml')).toBe(`${stdout}\n`);
});

it('takes its thresholds from the config, and from the image where the pool lies in one', () => {
  const flags = {
    'pools.main.disk.min_free_space_gb': 7,
    'pools.main.disk.target_free_gb': 9,
    'gate.max_wait': '2h',
    'sample.every': '1h',
  };
  const ofMain = (inImage: string[]) =>
    Object.fromEntries(groupsOf(flags, inImage)[0]?.rules.map(({ alert, expr }) => [alert, expr]) ?? []);
  const plain = ofMain([]);
  expect(plain['SpicaBelowTarget']).toContain('< 9000000000');
  expect(plain['SpicaShort']).toContain('< 7000000000');
  expect(plain['SpicaHeldTooLong']).toContain('> 3600');
  expect(plain['SpicaNoSample']).toContain('> 10800');
  const inImage = ofMain(['main']);
  expect(inImage['SpicaShort']).toContain('< 1 * min by (pool) (last_over_time(spica_floor_bytes');
  expect(inImage['SpicaShort']).toContain(
    'spica_image_disk_available_bytes{pool="main"}[15m])) < 7000000000',
  );
});

it('docs/operating.md has a heading for each alert that its runbook_url leads to', async () => {
  const page = await read('docs/operating.md');
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text.toLowerCase());
  const all = groupsOf({
    'pools.main.disk.max_instance_gb': 5,
    'pools.main.collect_to': '/results',
  }).flatMap(({ rules }) => rules);
  for (const { alert, annotations } of all) {
    expect(annotations.runbook_url).toBe(`docs/operating.md#${alert.toLowerCase()}`);
    expect(headings).toContain(alert.toLowerCase());
  }
});

/** Nothing is wrong: a sample a minute, for five hours. By metric: labels besides `pool`, and the figures. */
const HEALTHY: Readonly<Record<string, string>> = {
  'spica_up{pool="main",instance="a"}': '1+0x300',
  'spica_available_bytes{pool="main",instance="a"}': '200000000000+0x300',
  'spica_total_bytes{pool="main",instance="a"}': '400000000000+0x300',
  'spica_free_inodes{pool="main",instance="a"}': '900000+0x300',
  'spica_floor_inodes{pool="main",instance="a"}': '50000+0x300',
  'spica_pressure{pool="main",level="unwritable",instance="a"}': '0+0x300',
  'spica_oldest_held_seconds{pool="main",instance="a"}': '0+0x300',
  'spica_spawn_failures_total{pool="main",cause="host",instance="a"}': '0+0x300',
  'spica_breaker_open{pool="main",instance="a"}': '0+0x300',
  'spica_schedule_age_seconds{pool="main",schedule="sample",instance="a"}': '30+0x300',
  'spica_queue_workers{pool="main",queue="gate",instance="a"}': '1+0x300',
  'spica_queue_workers{pool="main",queue="spawn",instance="a"}': '1+0x300',
  'spica_instances_at_cap{pool="main",instance="a"}': '0+0x300',
  'spica_audit_chain_broken{instance="a"}': '0+0x300',
  'spica_reclaim_expected_bytes_total{pool="main",instance="a"}': '0+10000000000x300',
  'spica_reclaim_shortfall_bytes_total{pool="main",instance="a"}': '0+0x300',
  'spica_notifications_total{outcome="given-up",instance="a"}': '0+0x300',
};

const series = (name: string) => `${name}{pool="main",instance="a"}`;
const AVAILABLE = series('spica_available_bytes');
const REACHED = series('spica_floor_reached_seconds');
const WORKERS = 'spica_queue_workers{pool="main",queue="spawn",instance="a"}';
const AGE = 'spica_schedule_age_seconds{pool="main",schedule="sample",instance="a"}';
const CHAIN = 'spica_audit_chain_broken{instance="a"}';
const GONE = '_x300';

/** What is other than healthy, after how long, and whether the alert fires then. */
interface Case {
  readonly alert: string;
  readonly what: string;
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  readonly fires: boolean;
}

const on = (alert: string, what: string, changed: Case['series'], at = '4h'): Case => {
  return { alert, what, series: changed, at, fires: true };
};
const off = (...args: Parameters<typeof on>): Case => ({ ...on(...args), fires: false });

const CASES: readonly Case[] = [
  on('SpicaBelowTarget', 'under the target for long', { [AVAILABLE]: '29000000000+0x300' }),
  off('SpicaBelowTarget', 'for five minutes only', { [AVAILABLE]: '31000000000+0x235 29000000000+0x60' }),
  off('SpicaBelowTarget', 'at the target', { [AVAILABLE]: '30000000000+0x300' }),
  on('SpicaShort', 'below the floor', { [AVAILABLE]: '19000000000+0x300' }),
  on('SpicaShort', 'full to the last byte', { [AVAILABLE]: '0+0x300' }),
  on('SpicaShort', 'full, and scrapes fail meanwhile', { [AVAILABLE]: '19000000000+0x230 _x70' }),
  off('SpicaShort', 'above the floor', { [AVAILABLE]: '21000000000+0x300' }),
  on('SpicaCritical', 'below half the floor', { [AVAILABLE]: '9000000000+0x300' }),
  off('SpicaCritical', 'short', { [AVAILABLE]: '11000000000+0x300' }),
  on('SpicaUnwritable', 'the disk takes no writes', {
    'spica_pressure{pool="main",level="unwritable",instance="a"}': '1+0x300',
  }),
  on('SpicaInodesShort', 'inodes below their floor', { [series('spica_free_inodes')]: '40000+0x300' }),
  off('SpicaInodesShort', 'a filesystem without a limit of inodes', {
    [series('spica_free_inodes')]: GONE,
    [series('spica_floor_inodes')]: GONE,
  }),
  on('SpicaFloorInSight', 'the floor in five hours', {
    [REACHED]: '18000+0x300',
    [AVAILABLE]: '90000000000+0x300',
  }),
  off('SpicaFloorInSight', 'in seven hours', { [REACHED]: '25200+0x300', [AVAILABLE]: '90000000000+0x300' }),
  off('SpicaFloorInSight', 'in five hours, on a disk that is mostly free', {
    [REACHED]: '18000+0x300',
    [AVAILABLE]: '300000000000+0x300',
  }),
  off(
    'SpicaFloorInSight',
    'by less than an hour of data',
    { [REACHED]: '18000+0x300', [AVAILABLE]: '90000000000+0x300' },
    '50m',
  ),
  on('SpicaFloorInSight', 'once the disk is full, and fills no more', {
    [REACHED]: GONE,
    [AVAILABLE]: '1000000+0x300',
  }),
  off('SpicaFloorInSight', 'no trend', { [REACHED]: GONE }),
  on('SpicaHeldTooLong', 'half of max_wait is over', { [series('spica_oldest_held_seconds')]: '310+60x300' }),
  off('SpicaHeldTooLong', 'a request waits', { [series('spica_oldest_held_seconds')]: '250+0x300' }),
  on('SpicaSpawnFailures', 'three within an hour', {
    'spica_spawn_failures_total{pool="main",cause="host",instance="a"}': '0+0x220 1 2 3+0x78',
  }),
  on('SpicaSpawnFailures', 'the breaker is open', { [series('spica_breaker_open')]: '1+0x300' }),
  off('SpicaSpawnFailures', 'one within an hour', {
    'spica_spawn_failures_total{pool="main",cause="host",instance="a"}': '0+0x220 1+0x80',
  }),
  off('SpicaSpawnFailures', 'three, but long ago', {
    'spica_spawn_failures_total{pool="main",cause="host",instance="a"}': '0+0x20 3+0x280',
  }),
  on('SpicaAuditChainBroken', 'a line was changed', { [CHAIN]: '1+0x300' }),
  off('SpicaAuditChainBroken', 'before the first check', { [CHAIN]: GONE }),
  on('SpicaNoSample', 'no sample for more than an hour', { [AGE]: '0+60x300' }),
  on('SpicaNoSample', 'never any', { [AGE]: GONE }),
  off('SpicaNoSample', 'none yet, half an hour after the start', { [AGE]: GONE }, '30m'),
  off('SpicaNoSample', 'half an hour ago', { [AGE]: '1800+0x300' }),
  on('SpicaWorkerGone', 'one queue has none', { [WORKERS]: '0+0x300' }),
  on('SpicaWorkerGone', 'nothing answers for the pool', {
    [series('spica_up')]: '1+0x200 _x100',
    [WORKERS]: '1+0x200 _x100',
    'spica_queue_workers{pool="main",queue="gate",instance="a"}': '1+0x200 _x100',
  }),
  off('SpicaWorkerGone', 'a restart of a minute', { [WORKERS]: '1+0x237 0 0 1+0x60' }),
  on('SpicaUnseen', 'Redis is out of reach', { [series('spica_up')]: '0+0x300' }),
  on('SpicaUnseen', 'the disk does not answer', { [AVAILABLE]: GONE }),
  on('SpicaCapHit', 'an instance at its cap', { [series('spica_instances_at_cap')]: '2+0x300' }),
  off('SpicaCapHit', 'a pool without caps', { [series('spica_instances_at_cap')]: GONE }),
  on('SpicaReclaimShort', 'half does not come back', {
    [series('spica_reclaim_shortfall_bytes_total')]: '0+5000000000x300',
  }),
  off('SpicaReclaimShort', 'a little does not', {
    [series('spica_reclaim_shortfall_bytes_total')]: '0+100000000x300',
  }),
  on('SpicaNotificationsLost', 'one was given up', {
    'spica_notifications_total{outcome="given-up",instance="a"}': '0+0x220 1+0x80',
  }),
];

const hasPromtool = await execa('promtool', ['--version']).then(
  () => true,
  () => false,
);
const skipped = hasPromtool
  ? ''
  : ' (skipped: there is no promtool, which the Debian package prometheus brings)';

describe.skipIf(!hasPromtool)(`the alerts in Prometheus${skipped}`, () => {
  /** Runs unit tests as promtool has them, with the rules of these alerts alone: others only take time. */
  async function run(alerts: readonly string[], tests: readonly unknown[]): Promise<string> {
    const groups = groupsOf().map(({ name, rules }) => {
      return { name, rules: rules.filter(({ alert }) => alerts.includes(alert)) };
    });
    const [ruleFile, file] = ['rules.json', 'tests.json'].map((name) =>
      join(dir, `${alerts[0]}-${name}`),
    ) as [string, string];
    await writeFile(ruleFile, JSON.stringify({ groups })); // YAML is a superset of JSON
    await writeFile(file, JSON.stringify({ rule_files: [ruleFile], evaluation_interval: '1m', tests }));
    const { all, exitCode } = await execa('promtool', ['test', 'rules', file], { all: true, reject: false });
    return exitCode === 0 ? '' : all;
  }

  const firing = (selector: string, at: string, value: number | null) => ({
    expr: `count(ALERTS{${selector}alertstate="firing"})`,
    eval_time: at,
    exp_samples: value === null ? [] : [{ labels: '{}', value }],
  });
  const inputs = (changed: Case['series']) =>
    Object.entries({ ...HEALTHY, ...changed }).map(([name, values]) => ({ series: name, values }));

  it('are rules that promtool takes', async () => {
    await execa('promtool', ['check', 'rules', join(ROOT, 'deploy/prometheus/alerts.yml')]);
    const every = {
      'pools.main.disk.max_instance_gb': 5,
      'pools.main.disk.also_watch': ['/disk'],
      'pools.main.collect_to': '/results',
    };
    await writeFile(join(dir, 'every.json'), JSON.stringify({ groups: groupsOf(every, ['main']) }));
    await execa('promtool', ['check', 'rules', join(dir, 'every.json')]);
  });

  const toTest = ({ alert, what, series: changed, at, fires }: Case) => ({
    name: `${alert} ${fires ? 'fires' : 'does not fire'}: ${what}`,
    interval: '1m',
    input_series: inputs(changed),
    promql_expr_test: [firing(`alertname="${alert}",`, at, fires ? 1 : null)],
  });
  const names = groupsOf().flatMap((group) => group.rules.map(({ alert }) => alert));

  it('say nothing while nothing is wrong', async () => {
    const test = { interval: '1m', input_series: inputs({}), promql_expr_test: [firing('', '4h', null)] };
    expect(await run(names, [test])).toBe('');
  });

  it.each(names)('%s fires when it should, and only then', async (name) => {
    const cases = CASES.filter(({ alert }) => alert === name);
    expect(cases.some(({ fires }) => fires)).toBe(true);
    expect(await run([name], cases.map(toTest))).toBe('');
  });
});
