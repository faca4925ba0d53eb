import type { Finding } from '../doctor/finding.ts';
import type { Output } from '../io.ts';
import { oneLine } from './one-line.ts';
import { writeRows } from './write.ts';

/** What was checked: for people each with what to do below it; when piped a line each, tab-separated. */
export function writeFindings(stdout: Output, findings: readonly Finding[]): void {
  if (!stdout.isTTY) {
    writeRows(
      stdout,
      [
        { title: 'level', text: ({ level }) => level },
        { title: 'check', text: ({ check }) => check },
        { title: 'found', text: ({ found }) => found },
        { title: 'advice', text: ({ advice }) => advice ?? '' },
      ],
      findings,
    );
    return;
  }
  for (const { level, check, found, advice } of findings) {
    stdout.write(`${level.padEnd(5)} ${check}: ${oneLine(found)}\n`);
    if (advice !== null) stdout.write(`      → ${oneLine(advice)}\n`);
  }
}
