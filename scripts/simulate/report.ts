import { formatBytes, formatDuration, nearestRank } from '@spica/core';
import { drawChart } from './chart.ts';
import type { Outcome, SimulationOptions } from './run.ts';

/** A simulation for people: the chart, the figures, and what should not have been. */
export function describeOutcome({ seed, days }: SimulationOptions, outcome: Outcome): string {
  const { ends, waitsMs, below, violations } = outcome;
  const total = waitsMs.length;
  const wait = (share: number) => duration(waitsMs[nearestRank(total, share)] ?? 0);
  const share = (count: number) => `${count} (${((100 * count) / Math.max(1, total)).toFixed(1)} %)`;
  return [
    drawChart(outcome.uses, days),
    '',
    `seed ${seed}, ${days} days: ${ends.done} requests done, ${ends.failed} failed with the host, ${ends.rejected} rejected; ${outcome.prepared} preparations`,
    `held: ${share(outcome.everHeld)}; of them in vain, with perfect knowledge: ${share(outcome.wronglyHeld)}; held again after the admission: ${outcome.sentBack}`,
    `wait for admission: ${wait(0.5)} (p50), ${wait(0.95)} (p95), ${wait(1)} (longest)`,
    `disk: least available ${formatBytes(outcome.lowestBytes)}; below the floor for ${below.minutes} min, at worst by ` +
      `${formatBytes(below.worstBytes)}, of which instances larger than expected ${formatBytes(below.worstByExcessBytes)}`,
    `troubles: ${outcome.crashes} crashes, ${outcome.clockChanges} clock changes, ${outcome.criticals} times critical`,
    violations.length === 0 ? 'nothing went wrong that may not' : `${violations.length} violations:`,
    ...violations.slice(0, 20).map((violation) => `  ${violation}`),
  ].join('\n');
}

function duration(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}
