import type { Spica } from '@spica/client';
import { formatBytes } from '@spica/core';
import type { Report } from './report.ts';

/** A report that says, too, when the instance of a run that is under way comes to its cap, or becomes too large. */
export function reportingOversize(report: Report, spica: Pick<Spica, 'on'>): Report {
  const runs = new Map<string, number>();
  spica.on('oversize', ({ id, atCap, ownBytes, capBytes }) => {
    const index = runs.get(id);
    if (index === undefined) return;
    const size = formatBytes(ownBytes);
    const ofCap = `${size} of ${formatBytes(capBytes ?? ownBytes)}: the kernel refuses what it writes`;
    report.event(index, atCap ? 'at its cap' : 'too large', atCap ? ofCap : size);
  });
  return {
    ...report,
    started(index, instance) {
      runs.set(instance.id, index);
      report.started(index, instance);
    },
    result(result) {
      if (result.instance !== null) runs.delete(result.instance);
      report.result(result);
    },
  };
}
