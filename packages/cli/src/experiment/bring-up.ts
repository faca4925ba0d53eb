import { type Batch, type Instance, InstanceGoneError } from '@spica/client';
import { SpicaError } from '@spica/core';
import { throughOutage } from '@spica/queues';
import type { Attempt } from './journal.ts';
import type { Experiment, Run } from './run-one.ts';

/** An instance that has come up for a run, and in which attempt. */
export interface Place {
  readonly request: string;
  readonly batch: Batch;
  readonly instance: Instance;
  readonly attempt: Attempt;
}

/**
 * Has an instance come up for a run. Where an experiment goes on, one that the command had not been started in is taken
 * as it is, if it still is ours; and one in which the command was cut off is let go, since nobody knows what is in it.
 */
export async function bringUp(of: Experiment, run: Run): Promise<Place> {
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
  let told: string | null = null;
  for await (const event of request) {
    // It is told once more when its place in the line is known, or has changed.
    if (event.phase === 'held' && event.reason !== told) report.event(index, 'held', event.reason);
    told = event.phase === 'held' ? event.reason : null;
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
