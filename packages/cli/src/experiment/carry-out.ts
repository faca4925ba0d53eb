import { InstanceGoneError } from '@spica/client';
import { CheckError, SpicaError } from '@spica/core';
import { throughOutage } from '@spica/queues';
import pMap from 'p-map';
import { letGo } from './bring-up.ts';
import type { Params } from './candidates.ts';
import { bestOf, type Keep, keepChosen } from './keep.ts';
import type { Mutate } from './mutate.ts';
import type { RunResult } from './result.ts';
import { type Ended, type Experiment, type Run, runOne } from './run-one.ts';

export interface Plan {
  /** Of the first generation. */
  readonly candidates: readonly Params[];
  /** Runs of each candidate. */
  readonly replicas: number;
  /** At a time. */
  readonly jobs: number;
  /** Begins no further run after so many failures in a row; null for no limit. */
  readonly maxFailures: number | null;
  readonly keep: Keep;
  readonly generations: number;
  /** Makes the candidates of a generation of those before; null where there is one generation. */
  readonly mutate: Mutate | null;
}

/**
 * Runs an experiment, generation by generation, so many runs at a time, and keeps what is to be kept; what is not is let go
 * as soon as that is known. Resolves with all results in the order of their index. Throws what makes further runs
 * pointless, once the others have ended: NO_CHAMPION where nothing scored that the next generation could descend from.
 */
export async function carryOut(experiment: Experiment, plan: Plan): Promise<readonly RunResult[]> {
  const enough = new AbortController();
  const of = { ...experiment, signal: AbortSignal.any([experiment.signal, enough.signal]) };
  const keeping = {
    keep: plan.keep,
    holdsBest: plan.keep === 'best' || plan.generations > 1,
    instances: of.spica.instances,
    journal: of.journal,
  };
  const ended: Ended[] = [];
  const errors: unknown[] = [];
  let failures = 0;
  const end = async (run: Run) => {
    try {
      const one = (await goOn(of, run)) ?? (await runOne(of, run));
      ended.push(one);
      failures = one.result.outcome === 'done' ? 0 : failures + Number(one.result.outcome === 'failed');
      if (plan.maxFailures !== null && failures >= plan.maxFailures) {
        enough.abort(new Error(`${failures} runs in a row failed (--max-failures)`));
      }
      await keepChosen(keeping, ended, { isLast: false });
    } catch (error) {
      errors.push(error);
      enough.abort(error); // the others end, and let go of their instances
    }
  };
  let generation: Run[] = number(plan, {
    candidates: plan.candidates,
    parent: null,
    generation: 0,
    first: 0,
  });
  for (let next = 1; ; next += 1) {
    of.report.begin(generation.length, next - 1);
    await pMap(generation, end, { concurrency: plan.jobs });
    if (next >= plan.generations || of.signal.aborted) break;
    try {
      const made = await nextGeneration(of, plan, { ended, generation: next });
      generation = number(plan, { ...made, generation: next, first: ended.length });
    } catch (error) {
      if (!of.signal.aborted) errors.push(error);
      break;
    }
  }
  await keepChosen(keeping, ended, { isLast: true });
  if (errors.length > 0) throw errors[0];
  return ended.map(({ result }) => result).sort((a, b) => a.index - b.index);
}

/** What had ended before an experiment goes on is not run again; null where it is to be run. */
async function goOn(of: Experiment, { index }: Run): Promise<Ended | null> {
  const past = of.journal.past(index);
  if (!past?.result?.final) {
    if (past?.state === 'ended' && !past.isDecided) await letGo(of, index);
    return null;
  }
  const { result, isDecided } = past;
  of.report.result(result);
  if (isDecided || result.instance === null) return { result, isDecided, release: async () => undefined };
  const id = result.instance;
  const { token } = of.journal.attempt(index, past.attempt);
  try {
    const lease = await throughOutage(() => of.spica.instances.lease(id, { lease: of.leaseMs, token }));
    return { result, isDecided, release: () => throughOutage(() => lease.release({ discard: true })) };
  } catch (error) {
    // Its lease ran out while nobody was there: what is left of it is its result.
    const isLost =
      error instanceof InstanceGoneError || (error instanceof SpicaError && error.kind === 'check');
    if (!isLost) throw error;
    return { result, isDecided: true, release: async () => undefined };
  }
}

async function nextGeneration(
  of: Experiment,
  { mutate }: Plan,
  { ended, generation }: { ended: readonly Ended[]; generation: number },
): Promise<{ readonly parent: string; readonly candidates: readonly Params[] }> {
  const known = of.journal.generation(generation);
  if (known) return known;
  const champion = bestOf(ended)?.result;
  const parent = champion?.instance;
  if (!champion || !parent || !mutate) {
    const message = `generation ${generation}: no run has a score so far, so that there is no champion to descend from`;
    throw new CheckError('NO_CHAMPION', message, { generation });
  }
  const results = ended.map(({ result }) => result);
  const candidates = await mutate({ generation, champion, results }, of.signal);
  await of.journal.beginGeneration(generation, { parent, candidates });
  return { parent, candidates };
}

/** The runs of a generation, numbered on from those before. */
function number(
  { replicas }: Plan,
  from: { candidates: readonly Params[]; parent: string | null; generation: number; first: number },
): Run[] {
  const { candidates, parent, generation, first } = from;
  const runs = candidates.flatMap((params) =>
    Array.from({ length: replicas }, (_, replica) => ({ generation, replica, params, parent })),
  );
  return runs.map((run, at) => ({ index: first + at, ...run }));
}
