import type { AuditRecord } from '@spica/client';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Facts } from '../../parts/facts.tsx';
import { bytes } from '../../parts/format.ts';
import { Sentence } from '../../parts/sentence.tsx';
import { Time } from '../../parts/time.tsx';
import { hrefTo } from '../../router/router.ts';
import { furtherFacts, isBad } from './audit-query.ts';

/** Entries of the audit log, in the order given; each opens to all that it says. */
export function Entries({
  entries,
  empty,
  withInstance = true,
}: {
  readonly entries: readonly AuditRecord[];
  readonly empty: ComponentChildren;
  readonly withInstance?: boolean;
}) {
  if (entries.length === 0) return <p class="empty">{empty}</p>;
  return (
    <ol class={`entries ${withInstance ? '' : 'of-one'}`}>
      {entries.map((entry) => (
        <Entry key={entry.seq} entry={entry} withInstance={withInstance} />
      ))}
    </ol>
  );
}

/** What it says beside its line is drawn once somebody opens it: there may be thousands. */
function Entry({ entry, withInstance }: { readonly entry: AuditRecord; readonly withInstance: boolean }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <Time at={entry.timestamp} />
          <span class="action">{entry.action.replaceAll('_', ' ')}</span>
          <span class={`outcome ${isBad(entry) ? 'bad' : ''}`}>{entry.outcome.replaceAll('_', ' ')}</span>
          {withInstance && <span class="id">{entry.instance ?? entry.request ?? ''}</span>}
          <span class="figure">{entry.bytes === null ? '' : bytes(entry.bytes)}</span>
          <span class="reason">
            <Sentence text={entry.reason} />
          </span>
        </summary>
        {isOpen && <Details entry={entry} />}
      </details>
    </li>
  );
}

function Details({ entry }: { readonly entry: AuditRecord }) {
  const { seq, instance, request, pool, dry_run: isDryRun, prev } = entry;
  return (
    <div class="details">
      <p>
        <Sentence text={entry.reason} />
      </p>
      <Facts
        facts={[
          ['Entry', seq],
          ['Time', <Time at={entry.timestamp} />],
          ['Pool', pool],
          ['Instance', instance && <Link to={`/instances/${instance}`} text={instance} />],
          ['Request', request && <Link to={`/requests/${request}`} text={request} />],
          ['Bytes', entry.bytes === null ? null : bytes(entry.bytes)],
          ['Dry run', isDryRun ? 'yes: nothing was changed' : null],
          ...furtherFacts(entry).map(
            ([name, value]) => [name.replaceAll('_', ' '), <Value value={value} />] as const,
          ),
          ['Hash of the entry before', <code class="hash">{prev}</code>],
        ]}
      />
    </div>
  );
}

function Link({ to, text }: { readonly to: string; readonly text: string }) {
  return (
    <a class="id" href={hrefTo(to)}>
      {text}
    </a>
  );
}

function Value({ value }: { readonly value: unknown }) {
  if (typeof value === 'string') return <>{value}</>;
  return <code>{JSON.stringify(value)}</code>;
}
