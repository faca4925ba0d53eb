import { availableParallelism } from 'node:os';
import { Spica } from '@spica/client';
import { absolutePathOf, UsageError } from '@spica/core';
import { redisTargetOf, requireWorker } from '@spica/queues';
import pMap from 'p-map';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { type Params, readCandidates } from '../experiment/candidates.ts';
import { type Keep, keepChosen } from '../experiment/keep.ts';
import {
  type Report,
  type RunResult,
  reportJsonLines,
  reportLines,
  reportNothing,
} from '../experiment/report.ts';
import { type Ended, type Experiment, type Run, runOne } from '../experiment/run-one.ts';
import { parseScoreSource } from '../experiment/score.ts';
import { parseCount, parseNumber, parseSpan, parseWait } from '../input/numbers.ts';
import { parseLabels, parseParams } from '../input/pairs.ts';
import { chooseTemplate } from '../input/template.ts';
import { parseGivenText } from '../input/who.ts';
import type { GlobalOptions, Invocation, Io } from '../io.ts';
import { reportFailure } from '../output/failure.ts';

export interface RunOptions {
  readonly count: string;
  readonly template?: string;
  readonly set?: readonly string[];
  readonly candidates?: string;
  readonly replicas: string;
  readonly experiment?: string;
  readonly label?: readonly string[];
  readonly jobs?: string;
  readonly lease: string;
  readonly timeLimit?: string;
  readonly maxWait?: string;
  readonly maxFailures?: string;
  readonly score?: string;
  readonly collect?: readonly string[];
  readonly to?: string;
  readonly collectMaxGb: string;
  readonly keep: string;
}

/** What a shell's `env` and container runtimes end with when the failure is theirs and not the command's. */
const EXIT_OURS = 125;
const EXIT_INTERRUPTED = 130;

/**
 * `spica run -- COMMAND…`: runs a command in instances of its own, and lets them go. A single run has the output and the
 * exit code of its command; several have a table, and exit 1 when one failed. 125 where Spica itself failed.
 */
export async function run(invocation: Invocation<RunOptions>): Promise<number> {
  const { io, options } = invocation;
  try {
    return await runAll(invocation);
  } catch (error) {
    reportFailure(error, io.stderr, { json: options.json === true, verbose: options.verbose === true });
    return EXIT_OURS;
  }
}

async function runAll({ io, args, options }: Invocation<RunOptions>): Promise<number> {
  const runs = await planRuns(io, options);
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const shared = readShared(io, options, args);
  const single = runs.length === 1 && options.json !== true;
  const report = reportOf(io, options, single);
  await withRedis(config, async (redis) => {
    await openOwnCatalog(redis, policy);
    await requireWorker(redis, { pool: policy.name, queue: 'gate' });
  });
  const target = redisTargetOf(config);
  await using spica = await Spica.connect({
    redisUrl: 'url' in target ? target.url : target.socket,
    pool: policy.name,
  });
  const template = chooseTemplate(policy, options.template);
  const interrupt = interruptible(io);
  try {
    const inherits = single && shared.score?.from !== 'last-json-line';
    const { signal } = interrupt;
    const results = await carryOut({ ...shared, spica, template, report, inherits, signal }, runs, options);
    report.end(results);
    if (signal.aborted) return EXIT_INTERRUPTED;
    if (single) return results[0]?.exitCode ?? EXIT_OURS;
    return results.every(({ outcome }) => outcome === 'done') ? 0 : 1;
  } finally {
    interrupt.end();
  }
}

/** Runs them, so many at a time, and keeps what is to be kept. What is not kept is let go as soon as that is known. */
async function carryOut(
  experiment: Experiment,
  runs: readonly Run[],
  options: RunOptions,
): Promise<readonly RunResult[]> {
  const keep = parseKeep(options.keep);
  const concurrency = options.jobs === undefined ? availableParallelism() : parseJobs(options.jobs);
  const most =
    options.maxFailures === undefined
      ? null
      : parseCount('--max-failures', options.maxFailures, { least: 1 });
  const enough = new AbortController();
  const signal = AbortSignal.any([experiment.signal, enough.signal]);
  let failures = 0;
  const ended: Ended[] = [];
  const errors: unknown[] = [];
  const endOne = async (run: Run) => {
    try {
      const one = await runOne({ ...experiment, signal }, run);
      ended.push(one);
      failures = one.result.outcome === 'done' ? 0 : failures + Number(one.result.outcome === 'failed');
      if (most !== null && failures >= most) {
        enough.abort(new Error(`${failures} runs in a row failed (--max-failures)`));
      }
      await keepChosen(keep, ended, { isLast: false });
    } catch (error) {
      errors.push(error);
      enough.abort(error); // the others end, and let go of their instances
    }
  };
  await pMap(runs, endOne, { concurrency });
  await keepChosen(keep, ended, { isLast: true });
  if (errors.length > 0) throw errors[0];
  return ended.map(({ result }) => result).sort((a, b) => a.index - b.index);
}

async function planRuns(io: Io, options: RunOptions): Promise<readonly Run[]> {
  const set = parseParams(options.set ?? []);
  const replicas = parseCount('--replicas', options.replicas, { least: 1, most: 10_000 });
  const count = parseCount('-n', options.count, { least: 1, most: 10_000 });
  const candidates: readonly Params[] =
    options.candidates === undefined
      ? Array.from({ length: count }, () => ({}))
      : await readCandidates(pathOf(io, '--candidates', options.candidates));
  const each = candidates.flatMap((params) =>
    Array.from({ length: replicas }, (_, replica) => ({ replica, params: { ...set, ...params } })),
  );
  return each.map((run, index) => ({ index, ...run }));
}

function readShared(io: Io, options: RunOptions, args: readonly string[]) {
  const [file, ...rest] = args;
  if (file === undefined) throw new UsageError('FLAG_MISSING', 'run: expected a command after --, got none');
  if ((options.collect === undefined) !== (options.to === undefined)) {
    throw new UsageError('FLAG_MISSING', '--collect and --to: expected both or neither, got one');
  }
  return {
    command: [file, ...rest] as const,
    experiment: parseGivenText('--experiment', options.experiment),
    labels: parseLabels(options.label ?? []),
    leaseMs: parseSpan('--lease', options.lease) ?? 0,
    maxWaitMs: parseWait('--max-wait', options.maxWait),
    timeLimitMs: parseSpan('--time-limit', options.timeLimit),
    score: options.score === undefined ? null : parseScoreSource(options.score),
    collect:
      options.to === undefined
        ? null
        : {
            patterns: options.collect ?? [],
            to: pathOf(io, '--to', options.to),
            mostBytes: parseNumber('--collect-max-gb', options.collectMaxGb) * 1e9,
          },
    env: io.env,
  };
}

function reportOf({ stdout, stderr }: Io, { json }: GlobalOptions, single: boolean): Report {
  if (json) return reportJsonLines(stdout);
  return single ? reportNothing(stderr) : reportLines(stdout, stderr);
}

/** Relative to the working directory. */
function pathOf({ cwd, home }: Io, flag: string, path: string): string {
  return absolutePathOf(flag, path, { base: cwd, home });
}

function parseJobs(text: string): number {
  return parseCount('--jobs', text, { least: 1, most: 10_000 });
}

function parseKeep(text: string): Keep {
  if (text === 'never' || text === 'failed' || text === 'best' || text === 'always') return text;
  throw new UsageError('FLAG_INVALID', `--keep: expected never, failed, best or always, got "${text}"`);
}

/** Ctrl-C and SIGTERM end the commands, and let go of their instances; once more, the process at once. */
function interruptible(io: Io): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) io.exit(EXIT_INTERRUPTED);
    controller.abort(new Error('interrupted'));
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) io.signals.on(name, stop);
  return {
    signal: controller.signal,
    end: () => {
      for (const name of names) io.signals.off(name, stop);
    },
  };
}
