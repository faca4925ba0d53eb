import { access } from 'node:fs/promises';
import { type Batch, type Instance, InstanceGoneError, type Spica } from '@spica/client';
import { CheckError, SpicaError } from '@spica/core';
import { throughOutage } from '@spica/queues';
import type { Params } from './candidates.ts';
import { type ChildEnd, runChild } from './child.ts';
import { type CollectOptions, collectFiles } from './collect.ts';
import type { Attempt, Journal } from './journal.ts';
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

/** An instance that has come up for a run, and in which attempt. */
interface Place {
  readonly request: string;
  readonly batch: Batch;
  readonly instance: Instance;
  readonly attempt: Attempt;
}

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

function nothingOf({ index, generation, replica, params }: Run, place: Place | null): RunResult {
  const { id: instance = null, path = null } = place?.instance ?? {};
  const none = { exitCode: null, reason: null, score: null, collected: 0 };
  const state = { outcome: 'skipped', final: false, kept: false, ms: 0 } as const;
  return { index, generation, replica, params, instance, path, ...none, ...state };
}

/**
 * Has an instance come up for a run. Where an experiment goes on, one that the command had not been started in is taken
 * as it is, if it still is ours; and one in which the command was cut off is let go, since nobody knows what is in it.
 */
async function bringUp(of: Experiment, run: Run): Promise<Place> {
  const past = of.journal.past(run.index);
  if (past?.state === 'started') await letGo(of, run.index);
  if (past?.state === 'submitted') {
    const place = await spawnFor(of, run, past.attempt).catch((error: unknown) => {
      if (error instanceof SpicaError && (error.kind === 'refused' || error.kind === 'check')) return null;
      throw error;
    });
    if (place && Number(place.instance.expiresAt) > Date.now()) return place;
    await place?.batch.release();
  }
  return spawnFor(of, run, past ? past.attempt + 1 : 0);
}

/** Submitting it again, under its key and with its token, is the same request: through an outage, or after a kill. */
async function spawnFor(of: Experiment, { index, params, parent }: Run, number: number): Promise<Place> {
  const {
    spica,
    journal,
    template,
    experiment,
    labels,
    leaseMs: lease,
    maxWaitMs: maxWait,
    signal,
    report,
  } = of;
  const attempt = journal.attempt(index, number);
  await journal.submit(index, number);
  // With a life of its own: what a killed run leaves goes by itself, not only when its room is needed.
  const asked = { count: 1, template, experiment, labels, params, parent, lease, maxWait, ttl: lease };
  const { key, token: leaseToken } = attempt;
  const patience = { signal, onAway: (why: string) => report.event(index, 'waiting', why) };
  const request = await throughOutage(() => spica.spawn({ ...asked, key, leaseToken }, { signal }), patience);
  for await (const event of request) {
    if (event.phase === 'held') report.event(index, 'held', event.reason);
  }
  const batch = await throughOutage(() => request.ready(), patience);
  const [instance] = batch.instances;
  if (!instance) throw new TypeError(`request for run ${index} came up without an instance`);
  return { request: request.id, batch, instance, attempt };
}

/** Ends the lease of a run's instance that is left from before, so that retention may have it. */
export async function letGo({ spica, journal, leaseMs }: Experiment, index: number): Promise<void> {
  const past = journal.past(index);
  if (!past?.instance) return;
  const { token } = journal.attempt(index, past.attempt);
  try {
    const lease = await throughOutage(() =>
      spica.instances.lease(past.instance ?? '', { lease: leaseMs, token }),
    );
    await throughOutage(() => lease.release({ discard: true }));
  } catch (error) {
    if (!(error instanceof InstanceGoneError) && !isLeased(error)) throw error; // it is not ours any more
  }
}

function isLeased(error: unknown): boolean {
  return error instanceof SpicaError && (error.code === 'INSTANCE_LEASED' || error.code === 'LEASE_REFUSED');
}

async function work(of: Experiment, run: Run, place: Place): Promise<Outcome> {
  const { instance, attempt } = place;
  await access(instance.path).catch((cause: unknown) => {
    const message = `instance ${instance.id}: ${instance.path} is not on this machine: run this where the pool is`;
    throw new CheckError('INSTANCE_ELSEWHERE', message, {}, cause);
  });
  await of.journal.start(run.index, attempt.number, instance.id);
  of.report.started(run.index, instance);
  const { end, lastLine, lastJson, isInterrupted } = await execute(of, run, place);
  const { code: exitCode, stopped } = end;
  if (stopped !== null) return { outcome: 'stopped', exitCode, reason: stopped, final: !isInterrupted };
  try {
    const collected = of.collect ? await collectFiles(instance, of.collect) : 0;
    if (exitCode !== 0) return { outcome: 'failed', exitCode, reason: lastLine, collected, final: true };
    const score = of.score && (await readScore(of.score, instance.path, lastJson));
    if (score !== null) await throughOutage(() => instance.score(score));
    return { outcome: 'done', exitCode, score, collected, final: true };
  } catch (error) {
    if (!(error instanceof SpicaError) || error.kind === 'unreachable') throw error;
    return { outcome: 'failed', exitCode, reason: `${error.code}: ${error.message}`, final: true };
  }
}

async function execute(
  of: Experiment,
  run: Run,
  { request, instance }: Place,
): Promise<{ end: ChildEnd; lastLine: string | null; lastJson: string | null; isInterrupted: boolean }> {
  let lastLine: string | null = null;
  let lastJson: string | null = null;
  const onLine = (line: string, from: 'stdout' | 'stderr') => {
    if (line.trim() !== '') lastLine = line;
    if (from === 'stdout' && of.score?.from === 'last-json-line' && isJson(line)) lastJson = line;
    of.report.line(run.index, line);
  };
  const signal = AbortSignal.any([of.signal, instance.signal]);
  const end = await runChild({
    command: of.command,
    cwd: instance.path,
    env: { ...of.env, ...environmentOf(of, run, instance), SPICA_REQUEST: request },
    onLine: of.inherits ? null : onLine,
    timeLimitMs: of.timeLimitMs,
    signal,
    atOnce: of.atOnce,
  });
  return { end, lastLine, lastJson, isInterrupted: signal.aborted };
}

/** The run's parameters under their names, and who it is under `SPICA_…`. */
function environmentOf(
  { experiment }: Experiment,
  { index, generation, replica, params, parent }: Run,
  { id, path }: Instance,
) {
  return {
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
    SPICA_ID: id,
    SPICA_PATH: path,
    SPICA_EXPERIMENT: experiment ?? '',
    SPICA_INDEX: String(index),
    SPICA_REPLICA: String(replica),
    SPICA_GENERATION: String(generation),
    SPICA_PARENT: parent ?? '',
  };
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}
