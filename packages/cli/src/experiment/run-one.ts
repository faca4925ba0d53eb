import { access } from 'node:fs/promises';
import type { Instance, Spica } from '@spica/client';
import { CheckError, environmentOf, type Replica, SpicaError } from '@spica/core';
import { type ChildEnd, runChild, underGuard, whyNotStartable } from '@spica/pool';
import { throughOutage } from '@spica/queues';
import { bringUp, type Place } from './bring-up.ts';
import type { Params } from './candidates.ts';
import { type CollectOptions, collectFiles } from './collect.ts';
import type { Journal } from './journal.ts';
import type { Report } from './report.ts';
import type { RunResult } from './result.ts';
import { isJson, readScore, type ScoreSource } from './score.ts';

/** What is the same for all runs of an experiment. */
export interface Experiment {
  readonly spica: Spica;
  readonly journal: Journal;
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
  /** Ends the commands with SIGKILL, in the moment of the abort. */
  readonly atOnce: AbortSignal;
}

/** One run: which it is, and its parameters. */
export interface Run {
  readonly index: number;
  readonly generation: number;
  readonly replica: number;
  readonly params: Params;
  /** The champion of the generations before. */
  readonly parent: string | null;
}

/** A run that has ended, its instance still leased: it is kept or let go once it is known how the others did. */
export interface Ended {
  result: RunResult;
  /** It was kept or let go. */
  isDecided: boolean;
  /** Ends the lease. */
  release(): Promise<void>;
}

type Outcome = Partial<RunResult> & Pick<RunResult, 'outcome'>;

/**
 * Spawns an instance, runs the command in it, scores and collects. Never throws for what the command or the gate does: the
 * result says it. Throws what makes further runs pointless (Redis or the worker is gone for good, bad usage, a full disk).
 */
export async function runOne(of: Experiment, run: Run): Promise<Ended> {
  const begun = performance.now();
  const ended = async (outcome: Outcome, place: Place | null): Promise<Ended> => {
    const result = { ...nothingOf(run, place), ms: Math.round(performance.now() - begun), ...outcome };
    const attempt = place?.attempt.number ?? of.journal.past(run.index)?.attempt ?? 0;
    if (result.outcome !== 'skipped') await of.journal.result(attempt, result);
    of.report.result(result);
    const release = () => throughOutage(async () => place?.batch.release());
    return { result, isDecided: false, release };
  };
  const skipped = () => ended({ outcome: 'skipped', reason: reasonOf(of.signal) }, null);
  if (of.signal.aborted) return skipped();
  let place: Place;
  try {
    place = await bringUp(of, run);
  } catch (error) {
    if (of.signal.aborted) return skipped();
    if (!(error instanceof SpicaError) || error.kind === 'unreachable' || error.kind === 'usage') throw error;
    return ended({ outcome: 'failed', reason: `${error.code}: ${error.message}` }, null);
  }
  try {
    return await ended(await work(of, run, place), place);
  } catch (error) {
    if (!(error instanceof SpicaError)) throw error;
    return ended({ outcome: 'failed', reason: `${error.code}: ${error.message}` }, place);
  }
}

function nothingOf(
  { index, generation, replica, params }: Run,
  place: Pick<Place, 'instance'> | null,
): RunResult {
  const { id: instance = null, path = null } = place?.instance ?? {};
  const none = { exitCode: null, reason: null, score: null, collected: 0 };
  const state = { outcome: 'skipped', final: false, kept: false, ms: 0 } as const;
  return { index, generation, replica, params, instance, path, ...none, ...state };
}

async function work(of: Experiment, run: Run, place: Place): Promise<Outcome> {
  const { instance, attempt } = place;
  await requireHere(instance);
  await of.journal.start(run.index, attempt.number, instance.id);
  of.report.started(run.index, instance);
  return outcomeOf(await execute(of, run, place, {}), async (end) => {
    const collected = await collectFor(of, instance);
    if (end.code !== 0) return { collected };
    const score = of.score && (await readScore(of.score, instance.path, end.lastJson));
    if (score !== null) await throughOutage(() => instance.score(score));
    return { score, collected };
  });
}

/**
 * Runs the command for one replica of a tournament, in an instance that is there. Its score is not stored: the instance has
 * others. Throws as `runOne`.
 */
export async function runReplica(
  of: Experiment,
  run: Run,
  place: Pick<Place, 'request' | 'instance'>,
  { replica_id, epoch, slice }: Replica,
): Promise<RunResult> {
  const { instance } = place;
  await requireHere(instance);
  const begun = performance.now();
  of.report.started(run.index, instance);
  const env = { SPICA_REPLICA_ID: replica_id, SPICA_EPOCH: String(epoch), SPICA_SLICE: String(slice) };
  const outcome = await outcomeOf(await execute(of, run, place, env), async ({ code, lastJson }) => ({
    score: of.score && code === 0 ? await readScore(of.score, instance.path, lastJson) : null,
  }));
  const ms = Math.round(performance.now() - begun);
  const result = { ...nothingOf(run, place), ms, ...outcome };
  of.report.result(result);
  return result;
}

/** Copies what is to be collected of an instance; resolves with how many files that were. */
export async function collectFor({ collect, experiment }: Experiment, instance: Instance): Promise<number> {
  return collect ? collectFiles(instance, { ...collect, experiment }) : 0;
}

async function requireHere(instance: Instance): Promise<void> {
  await access(instance.path).catch((cause: unknown) => {
    const message = `instance ${instance.id}: ${instance.path} is not on this machine: run this where the pool is`;
    throw new CheckError('INSTANCE_ELSEWHERE', message, {}, cause);
  });
}

interface Executed extends ChildEnd {
  /** The last line that said something, or why it was not started; and the last one on standard output that is JSON. */
  readonly lastLine: string | null;
  readonly lastJson: string | null;
  /** Its signal was aborted: it was not its own time that was over. */
  readonly isInterrupted: boolean;
}

/** How a run ended: `after` has what is done once the command has ended by itself, whether it succeeded or not. */
async function outcomeOf(
  end: Executed,
  after: (end: Executed) => Promise<Partial<RunResult>>,
): Promise<Outcome> {
  const { code: exitCode, stopped } = end;
  if (stopped !== null) return { outcome: 'stopped', exitCode, reason: stopped, final: !end.isInterrupted };
  try {
    const rest = await after(end);
    if (exitCode !== 0) return { outcome: 'failed', exitCode, reason: end.lastLine, final: true, ...rest };
    return { outcome: 'done', exitCode, final: true, ...rest };
  } catch (error) {
    if (!(error instanceof SpicaError) || error.kind === 'unreachable') throw error;
    return { outcome: 'failed', exitCode, reason: `${error.code}: ${error.message}`, final: true };
  }
}

async function execute(
  of: Experiment,
  run: Run,
  { request, instance }: Pick<Place, 'request' | 'instance'>,
  more: Readonly<Record<string, string>>,
): Promise<Executed> {
  let lastLine: string | null = null;
  let lastJson: string | null = null;
  const onLine = (line: string, from: 'stdout' | 'stderr') => {
    if (line.trim() !== '') lastLine = line;
    if (from === 'stdout' && of.score?.from === 'last-json-line' && isJson(line)) lastJson = line;
    of.report.line(run.index, line);
  };
  const { index, generation, replica, params, parent } = run;
  const { id, path } = instance;
  const ofRun = {
    SPICA_REPLICA: String(replica),
    SPICA_GENERATION: String(generation),
    SPICA_PARENT: parent ?? '',
  };
  const env = {
    ...of.env,
    ...environmentOf({ id, path, request, experiment: of.experiment, index, params }),
    ...ofRun,
    ...more,
  };
  const signal = AbortSignal.any([of.signal, instance.signal]);
  // Asked first: what starts it would say so in words of its own.
  const unable = await whyNotStartable(of.command, { cwd: path, env });
  if (unable !== null)
    return {
      code: unable.code,
      stopped: null,
      lastLine: unable.why,
      lastJson,
      isInterrupted: signal.aborted,
    };
  const end = await runChild({
    // Where it has the terminal, or what we read, a shell in between would take that from it.
    ...(of.inherits ? { command: of.command } : { command: underGuard(of.command), isBound: true }),
    cwd: path,
    env,
    output: of.inherits ? null : { onLine },
    timeLimitMs: of.timeLimitMs,
    signal,
    atOnce: of.atOnce,
  });
  return { ...end, lastLine, lastJson, isInterrupted: signal.aborted };
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
