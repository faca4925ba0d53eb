import type { RequestView } from '@spica/client';
import type { Output } from '../io.ts';
import { writeFields, writeRows } from './write.ts';

/** Where a request stands, for people: what was asked, what became of it, and its jobs. */
export function writeRequest(stdout: Output, view: RequestView): void {
  const { request, progress, failure } = view;
  writeFields(stdout, [
    ['request', view.id],
    ['pool', view.pool],
    ['state', progress ? `${progress.phase} (${view.state})` : view.state],
    ['reason', failure ? `${failure.code}: ${failure.message}` : (progress?.reason ?? null)],
    ['in the line', view.position === null ? null : `number ${view.position}`],
    ['held', progress?.phase === 'held' ? `since ${progress.since}, until ${progress.until} at most` : null],
    ['asked for', request && `${request.count} of template ${request.template}`],
    ['parameters', request && pairs(request.params)],
    ['parent', request?.parent ?? null],
    ['experiment', request?.experiment ?? null],
    ['labels', request && pairs(request.labels)],
    ['notes', request?.notes || null],
    ['submitted', view.submittedAt],
    ['ended', view.endedAt],
    ...view.instances.map(({ path }): [string, string] => ['instance', path]),
  ]);
  if (view.children.length === 0) return;
  stdout.write('\n');
  writeRows(
    stdout,
    [
      { title: 'job', text: ({ id }) => id },
      { title: 'queue', text: ({ queue }) => queue },
      { title: 'state', text: ({ state }) => state },
      { title: 'failure', text: (child) => child.failure ?? '' },
    ],
    view.children,
  );
}

/** `A=1 B=two`; null where there are none. */
export function pairs(values: Readonly<Record<string, unknown>>): string | null {
  const texts = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return texts.length === 0 ? null : texts.join(' ');
}
