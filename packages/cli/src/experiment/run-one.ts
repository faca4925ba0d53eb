import { access } from 'node:fs/promises';
import type { Batch, Instance, SpawnRequestHandle, Spica } from '@spica/client';
import { CheckError, environmentOf, SpicaError } from '@spica/core';
import { type ChildEnd, runChild } from '@spica/pool';
import type { Params } from './candidates.ts';
import { type CollectOptions, collectFiles } from './collect.ts';
import type { Report, RunResult } from './report.ts';
import { isJson, readScore, type ScoreSource } from './score.ts';

/** What is the same for all runs of an experiment. */
export interface Experiment {
  readonly spica: Spica;
  readonly command: readonly [string, ...string[]];
  readonly template: string;
  readonly experiment: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** How long each renewal keeps a lease, milliseconds: what is left of one after a kill. */
  readonly leaseMs: number;
  readonly maxWaitMs: number | null;
  readonly timeLimitMs: number | null;
  readonly score: ScoreSource | null;
  readonly collect: CollectOptions | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The one command of a single run has the terminal. */
  readonly inherits: boolean;
  readonly report: Report;
  /** Ends it all, with its reason. */
  readonly signal: AbortSignal;
}

/** One run: which it is, and its parameters. */
export interface Run {
  readonly index: number;
  readonly replica: number;
  readonly params: Params;
}

/** A run that has ended, its instance still leased: it is kept or let go once it is known how the others did. */
export interface Ended {
  result: RunResult;
  /** It was kept or let go. */
  isDecided: boolean;
  readonly instance: Instance | null;
  /** Ends the lease. */
  release(): Promise<void>;
}

/**
 * Spawns an instance, runs the command in it, scores and collects. Never throws for what the command or the gate does: the
 * result says it. Throws what makes further runs pointless (Redis or the worker is gone, bad usage).
 */
export async function runOne(of: Experiment, run: Run): Promise<Ended> {
  const begun = performance.now();
  const ended = (result: Partial<RunResult> & Pick<RunResult, 'outcome'>, batch: Batch | null): Ended => {
    const instance = batch?.instances[0] ?? null;
    const where = { instance: instance?.id ?? null, path: instance?.path ?? null };
    const ms = Math.round(performance.now() - begun);
    const nothing = { exitCode: null, reason: null, score: null, collected: 0, kept: false };
    const full: RunResult = { index: run.index, ...where, ...nothing, ms, ...result };
    of.report.event(run.index, full.outcome, full.reason ?? '');
    return { result: full, isDecided: false, instance, release: async () => batch?.release() };
  };
  if (of.signal.aborted) return ended({ outcome: 'skipped', reason: reasonOf(of.signal) }, null);
  let request: SpawnRequestHandle;
  let batch: Batch;
  try {
    request = await submit(of, run);
    batch = await request.ready();
  } catch (error) {
    if (of.signal.aborted) return ended({ outcome: 'skipped', reason: reasonOf(of.signal) }, null);
    if (!(error instanceof SpicaError) || error.kind === 'unreachable' || error.kind === 'usage') throw error;
    return ended({ outcome: 'failed', reason: `${error.code}: ${error.message}` }, null);
  }
  const [instance] = batch.instances;
  if (!instance) throw new TypeError(`request for run ${run.index} came up without an instance`);
  try {
    return ended(await work(of, run, { request: request.id, instance }), batch);
  } catch (error) {
    if (!(error instanceof SpicaError)) throw error;
    return ended({ outcome: 'failed', reason: `${error.code}: ${error.message}` }, batch);
  }
}

/** Submits the run's request, and follows it to its end. */
async function submit(of: Experiment, { index, params }: Run): Promise<SpawnRequestHandle> {
  const { spica, template, experiment, labels, leaseMs: lease, maxWaitMs: maxWait, signal, report } = of;
  // With a life of its own: what a killed run leaves goes by itself, not only when its room is needed.
  const asked = { count: 1, template, experiment, labels, params, lease, maxWait, ttl: lease };
  const request = await spica.spawn(asked, { signal });
  for await (const event of request) {
    if (event.phase === 'held') report.event(index, 'held', event.reason);
  }
  return request;
}

/** An instance, and the request that it came of. */
interface Place {
  readonly request: string;
  readonly instance: Instance;
}

async function work(
  of: Experiment,
  run: Run,
  place: Place,
): Promise<Partial<RunResult> & Pick<RunResult, 'outcome'>> {
  const { instance } = place;
  await access(instance.path).catch((cause: unknown) => {
    const message = `instance ${instance.id}: ${instance.path} is not on this machine: run this where the pool is`;
    throw new CheckError('INSTANCE_ELSEWHERE', message, {}, cause);
  });
  of.report.event(run.index, 'started', `in ${instance.path}`);
  const { end, lastLine, lastJson } = await execute(of, run, place);
  if (end.stopped !== null) return { outcome: 'stopped', exitCode: end.code, reason: end.stopped };
  const collected = of.collect
    ? await collectFiles(instance, { ...of.collect, experiment: of.experiment })
    : 0;
  if (end.code !== 0) return { outcome: 'failed', exitCode: end.code, reason: lastLine, collected };
  const score = of.score && (await readScore(of.score, instance.path, lastJson));
  if (score !== null) await instance.score(score);
  return { outcome: 'done', exitCode: 0, score, collected };
}

async function execute(
  of: Experiment,
  run: Run,
  { request, instance }: Place,
): Promise<{ end: ChildEnd; lastLine: string | null; lastJson: string | null }> {
  let lastLine: string | null = null;
  let lastJson: string | null = null;
  const onLine = (line: string, from: 'stdout' | 'stderr') => {
    if (line.trim() !== '') lastLine = line;
    if (from === 'stdout' && of.score?.from === 'last-json-line' && isJson(line)) lastJson = line;
    of.report.line(run.index, line);
  };
  const { index, params } = run;
  const { id, path } = instance;
  const ofInstance = environmentOf({ id, path, request, experiment: of.experiment, index, params });
  const end = await runChild({
    command: of.command,
    cwd: instance.path,
    env: { ...of.env, ...ofInstance, SPICA_REPLICA: String(run.replica) },
    output: of.inherits ? null : { onLine },
    timeLimitMs: of.timeLimitMs,
    signal: AbortSignal.any([of.signal, instance.signal]),
  });
  return { end, lastLine, lastJson };
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
