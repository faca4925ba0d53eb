import { Spica } from '@spica/client';
import type { Config, PoolConfig } from '@spica/core';
import { redisTargetOf, requireWorker } from '@spica/queues';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { carryOut, type Plan } from '../experiment/carry-out.ts';
import { Journal } from '../experiment/journal.ts';
import { reportingOversize } from '../experiment/oversize.ts';
import { type Report, reportJsonLines, reportLines, reportNothing } from '../experiment/report.ts';
import type { RunResult } from '../experiment/result.ts';
import { reportRows } from '../experiment/rows.ts';
import { pathOf, type RunOptions, readPlan, readShared, readTournament } from '../experiment/settings.ts';
import { playTournament } from '../experiment/tournament.ts';
import { chooseTemplate } from '../input/template.ts';
import type { GlobalOptions, Invocation, Io } from '../io.ts';
import { reportFailure } from '../output/failure.ts';
import { startTracing } from '../stack/tracing.ts';

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
  const tournament = await readTournament(io, options);
  const plan = await readPlan(io, options, tournament);
  const shared = readShared(io, options, args);
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const template = chooseTemplate(policy, options.template);
  await using _tracing = await startTracing(config);
  await using spica = await connect(config, policy);
  const single = tournament === null && isSingle(plan, options);
  const journal = await openJournal(io, options, {
    ...{ command: shared.command, candidates: plan.candidates, replicas: plan.replicas, pool: policy.name },
    ...{ template, experiment: shared.experiment, labels: shared.labels },
    ...{ leaseMs: shared.leaseMs, maxWaitMs: shared.maxWaitMs },
  });
  const report = reportingOversize(reportOf(io, options, { single, jobs: plan.jobs, spica }), spica);
  const interrupt = interruptible(io);
  let results: readonly RunResult[] | null = null;
  try {
    const inherits = single && shared.score?.from !== 'last-json-line';
    const { signal, atOnce } = interrupt;
    const experiment = { ...shared, spica, journal, template, report, inherits, signal, atOnce };
    results = tournament
      ? await playTournament(experiment, tournament, plan)
      : await carryOut(experiment, plan);
  } finally {
    report.end(results);
    interrupt.end();
    await journal.close();
  }
  if (interrupt.signal.aborted) return EXIT_INTERRUPTED;
  if (single) return exitCodeOf(results[0]);
  return results.every(({ outcome }) => outcome === 'done') ? 0 : 1;
}

/** As from a shell: of the command, unless that says success and the run was ended, or what came after it failed. */
function exitCodeOf(result: RunResult | undefined): number {
  if (!result || result.exitCode === null) return EXIT_OURS;
  return result.exitCode === 0 && result.outcome !== 'done' ? EXIT_OURS : result.exitCode;
}

async function connect(config: Config, policy: PoolConfig): Promise<Spica> {
  await withRedis(config, async (redis) => {
    await openOwnCatalog(redis, policy);
    await requireWorker(redis, { pool: policy.name, queue: 'gate' });
  });
  const target = redisTargetOf(config);
  return Spica.connect({
    redisUrl: 'url' in target ? target.url : target.socket,
    pool: policy.name,
  });
}

function isSingle({ candidates, replicas, generations }: Plan, { json, resume }: RunOptions & GlobalOptions) {
  const runs = candidates.length * replicas;
  return runs === 1 && generations === 1 && json !== true && resume === undefined;
}

function openJournal(io: Io, { resume }: RunOptions, sweep: Parameters<typeof Journal.inMemory>[0]) {
  return resume === undefined ? Journal.inMemory(sweep) : Journal.open(pathOf(io, '--resume', resume), sweep);
}

function reportOf(
  { stdout, stderr }: Io,
  { json }: GlobalOptions,
  { single, jobs, spica }: { single: boolean; jobs: number; spica: Spica },
): Report {
  if (json) return reportJsonLines(stdout);
  if (single) return reportNothing(stderr);
  if (!stdout.isTTY || !stderr.isTTY) return reportLines(stdout, stderr);
  const sizeOf = async (id: string) => (await spica.instances.get(id)).ownBytes;
  return reportRows({ stderr, jobs, sizeOf });
}

/** Ctrl-C and SIGTERM end the commands, and let go of their instances; once more, all of it at once. */
function interruptible(io: Io): { signal: AbortSignal; atOnce: AbortSignal; end(): void } {
  const [controller, atOnce] = [new AbortController(), new AbortController()];
  const stop = () => {
    if (controller.signal.aborted) {
      atOnce.abort();
      io.exit(EXIT_INTERRUPTED);
    }
    controller.abort(new Error('interrupted'));
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) io.signals.on(name, stop);
  return {
    signal: controller.signal,
    atOnce: atOnce.signal,
    end: () => {
      for (const name of names) io.signals.off(name, stop);
    },
  };
}
