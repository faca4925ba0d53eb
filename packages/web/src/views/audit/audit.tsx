import { session } from '../../api/session.ts';
import { live } from '../../live/current.ts';
import { Button } from '../../parts/button.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { countOf } from '../../parts/format.ts';
import { Panel } from '../../parts/panel.tsx';
import { spica } from '../../parts/shell.ts';
import { Time } from '../../parts/time.tsx';
import { poolName, query, setQuery } from '../../router/router.ts';
import { type AuditFilter, readAuditFilter } from './audit-query.ts';
import { Entries } from './entries.tsx';
import { AuditFilters } from './filters.tsx';
import { useEntries } from './use-entries.ts';

/** Who did what and why: every decision that refused or destroyed something, newest first. */
export function Audit() {
  const pool = poolName.value;
  const filter = readAuditFilter(query.value);
  const follows = query.value.get('follow') !== 'no';
  const key = JSON.stringify([pool, filter]);
  return (
    <>
      <h1 class="unseen">Audit log</h1>
      <Chain />
      <Panel
        title="Entries"
        aside={
          <Button
            pressed={follows}
            onClick={() => setQuery({ follow: follows ? 'no' : null }, { replace: true })}
          >
            {follows ? '● Following' : '○ Follow'}
          </Button>
        }
      >
        <AuditFilters filter={filter} />
        <List key={key} pool={pool} filter={filter} follows={follows} />
      </Panel>
    </>
  );
}

function List({
  pool,
  filter,
  follows,
}: {
  readonly pool: string | null;
  readonly filter: AuditFilter;
  readonly follows: boolean;
}) {
  const { entries, error, loadOlder } = useEntries(pool, filter, follows);
  const isNarrowed = Object.keys(filter).length > 0;
  return (
    <>
      {error !== null && (
        <p class="error" role="alert">
          {entries === null ? error : `Not up to date: ${error}`}
        </p>
      )}
      {entries === null ? (
        error === null && <p class="loading">Loading…</p>
      ) : (
        <>
          <Entries
            entries={entries}
            empty={
              loadOlder !== null
                ? 'None among the newest entries.'
                : isNarrowed
                  ? 'No entry matches.'
                  : 'Nothing was decided yet. Each refusal and deletion will stand here, with its reason.'
            }
          />
          <p class="more-line">
            <span class="soft">{countOf(entries.length, 'entry').replace('entrys', 'entries')}</span>
            {loadOlder !== null && <Button onClick={loadOlder}>Older entries</Button>}
          </p>
        </>
      )}
    </>
  );
}

const STATES = {
  intact: ['good', '✓', 'The chain is intact'],
  broken: ['bad', '✕', 'The chain is broken'],
  unchecked: ['plain', '○', 'The chain was not checked yet'],
} as const;

/** Whether the log is as it was written: each entry holds the hash of the one before. */
function Chain() {
  const pool = live.value?.pool.value;
  const audit = pool?.audit;
  if (!audit)
    return session.value === null ? null : (
      <Panel title="Chain">
        <p class="loading">Not known yet.</p>
      </Panel>
    );
  const [tone, shape, text] = STATES[audit.state];
  return (
    <Panel
      title={
        <span class={`outcome ${tone}`}>
          <span aria-hidden="true">{shape}</span> {text}
        </span>
      }
      aside={
        audit.checkedAt && (
          <span class="soft">
            {countOf(audit.entries, 'line')} checked at <Time at={audit.checkedAt} />
          </span>
        )
      }
    >
      <div class="body">
        {audit.state !== 'intact' && <p class="sentence-case">{audit.sentence}</p>}
        <CommandLine text={spica(poolName.value, 'audit', 'verify')} />
      </div>
    </Panel>
  );
}
