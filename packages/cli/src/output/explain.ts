import { formatBytes } from '@spica/core';
import type { Output } from '../io.ts';
import type { Explanation } from '../request/explain.ts';
import { formatAge } from './age.ts';
import { oneLine } from './one-line.ts';
import { listGoing, sayPruning } from './room.ts';
import { writeFields } from './write.ts';

/** Why a request waits, or what became of it, for people: the answer first, then how it came to that. */
export function writeExplanation(stdout: Output, explanation: Explanation): void {
  const { request, progress, failure, now } = explanation;
  const sum = now && 'sentence' in now ? now : null;
  const going = sum?.afterPruning ?? null;
  writeFields(stdout, [
    ['request', explanation.id],
    ['asked for', request && `${request.count} of template ${request.template}`],
    ['stands', sayStand(explanation)],
    ['because', failure ? `${failure.code}: ${failure.message}` : (progress?.reason ?? null)],
    ['held', progress?.phase === 'held' ? `since ${progress.since}, until ${progress.until} at most` : null],
    [
      'now',
      sum?.sentence ?? (now && 'problem' in now ? `the sum cannot be made here: ${now.problem}` : null),
    ],
    ['waits for', sum?.waitsFor ?? null],
    ['would help', sum?.help?.sentence ?? null],
    ['makes room', going && `${sayPruning(going)}: ${listGoing(going)}`],
    ['submitted', explanation.submittedAt],
    ['ended', explanation.endedAt && `${explanation.endedAt}${sayTook(explanation)}`],
    ...explanation.instances.map(({ path }): [string, string] => ['instance', path]),
  ]);
  writeList(stdout, 'what the gate said', explanation.history);
  writeList(stdout, 'in the audit log', explanation.audit.map(sayEntry));
}

function sayStand({ progress, state, served, endedAt }: Explanation): string {
  const stand = progress ? progress.phase : state === 'waiting' ? 'waits for its turn at the gate' : state;
  return served || endedAt !== null ? stand : `${stand}, but no worker serves the pool: \`spica up\` does`;
}

function sayTook({ submittedAt, endedAt }: Explanation): string {
  if (submittedAt === null || endedAt === null) return '';
  return `, ${formatAge(Date.parse(endedAt) - Date.parse(submittedAt))} after it was submitted`;
}

function sayEntry({
  timestamp,
  action,
  outcome,
  instance,
  reason,
  bytes,
}: Explanation['audit'][number]): string {
  const size = bytes === null ? null : formatBytes(bytes);
  return [timestamp, `${action}: ${outcome}`, instance, size, reason]
    .filter((part) => part !== null)
    .join('  ');
}

function writeList(stdout: Output, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  stdout.write(`\n${title}\n`);
  for (const line of lines) stdout.write(`  ${oneLine(line)}\n`);
}
