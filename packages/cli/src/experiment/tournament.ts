import type { ReplicaOutcome, Tournament } from '@spica/client';
import type { Replica } from '@spica/core';
import pMap from 'p-map';
import type { Plan } from './carry-out.ts';
import type { RunResult } from './result.ts';
import { collectFor, type Experiment, type Run, runReplica } from './run-one.ts';
import type { TournamentFile } from './tournament-file.ts';

/**
 * Runs a tournament: the command once for each replica of the plan, so many at a time, but never twice at a time in one
 * instance. A candidate's score is the mean of its replicas'; the highest is the champion, pinned with `--keep best`. It is
 * abandoned where it is interrupted, too many replicas in a row have failed, or it throws. Resolves with a result for each
 * replica that was run, in the order of the plan.
 */
export async function playTournament(
  of: Experiment,
  file: TournamentFile,
  plan: Plan,
): Promise<readonly RunResult[]> {
  const { spica, template, experiment, labels, leaseMs: lease, maxWaitMs: maxWait, signal, report } = of;
  const { epochs, slices_per_epoch: slicesPerEpoch, replicas_per_slice: replicasPerSlice } = file.qtime;
  const { cpu_affinity: cpuAffinity, network_egress: networkEgress } = file.isolation;
  const candidates = plan.candidates.map((params) => ({ ...params }));
  const asked = {
    ...{ suiteId: file.suite_id, candidates, template, labels: { ...labels }, lease, maxWait },
    ...(experiment === null ? {} : { experiment }),
    qtime: { epochs, slicesPerEpoch, replicasPerSlice },
    isolation: { cpuAffinity, networkEgress },
  };
  const begun = await begin(() => spica.tournament(asked, { signal }), signal);
  if (!begun) return [];
  await using tournament = begun;
  const { instances } = tournament;
  const { replicas } = tournament.plan;
  report.begin(replicas.length, 0);
  const results: RunResult[] = [];
  let failures = 0;
  const enough = () => plan.maxFailures !== null && failures >= plan.maxFailures;
  const play = async (replica: Replica, index: number) => {
    const at = instances.findIndex(({ id }) => id === replica.instance_id);
    const instance = instances[at];
    if (!instance || signal.aborted || enough()) return;
    const run: Run = {
      index,
      generation: 0,
      replica: replica.replica,
      params: candidates[at] ?? {},
      parent: null,
    };
    const result = await runReplica(of, run, { request: tournament.id, instance }, replica);
    failures = result.outcome === 'done' ? 0 : failures + 1;
    results.push(result);
  };
  // Round by round: within one, each instance has one replica.
  for (let first = 0; first < replicas.length; first += instances.length) {
    const round = replicas.slice(first, first + instances.length);
    await pMap(round, (replica, at) => play(replica, first + at), { concurrency: plan.jobs });
  }
  results.sort((a, b) => a.index - b.index);
  if (signal.aborted || enough()) {
    await tournament.abandon(signal.aborted ? 'interrupted' : `${failures} replicas in a row failed`);
    return results;
  }
  for (const instance of instances) await collectFor(of, instance);
  const { scores, aggregated } = aggregate(results);
  const outcomes = results.map((result) => outcomeOf(result, replicas[result.index]));
  await tournament.finish({ scores, pin: plan.keep === 'best', results: outcomes, aggregated });
  return results;
}

/** Null where it was interrupted before it had begun: then nothing of it is left. */
async function begin(work: () => Promise<Tournament>, signal: AbortSignal): Promise<Tournament | null> {
  try {
    return await work();
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

function outcomeOf(result: RunResult, replica: Replica | undefined): ReplicaOutcome {
  const { outcome, final, reason, score, exitCode, ms } = result;
  return {
    replica_id: replica?.replica_id ?? '',
    instance_id: replica?.instance_id ?? '',
    status: outcome === 'done' ? 'pass' : outcome === 'stopped' && final ? 'timeout' : 'fail',
    metrics: { score, exit_code: exitCode, ms },
    error: reason?.slice(0, 2_000) ?? null,
  };
}

/** The mean score of each instance that has one, and how many of its replicas came through. */
function aggregate(results: readonly RunResult[]) {
  const scores: Record<string, number> = {};
  const aggregated: Record<string, { score: number | null; passed: number; failed: number }> = {};
  for (const [id, all] of Map.groupBy(results, ({ instance }) => instance ?? '')) {
    const own = all.flatMap(({ score }) => (score === null ? [] : [score]));
    const score = own.length === 0 ? null : own.reduce((sum, each) => sum + each, 0) / own.length;
    if (score !== null) scores[id] = score;
    const passed = all.filter(({ outcome }) => outcome === 'done').length;
    aggregated[id] = { score, passed, failed: all.length - passed };
  }
  return { scores, aggregated };
}
