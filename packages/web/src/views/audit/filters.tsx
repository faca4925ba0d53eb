import { UrlSelect } from '../../parts/url-select.tsx';
import { UrlText } from '../../parts/url-text.tsx';
import { setQuery } from '../../router/router.ts';
import { AUDIT_FILTERS, type AuditFilter } from './audit-query.ts';

/** What is looked for most; any other action can stand in the URL, too. */
const ACTIONS = [
  'delete_instance',
  'restore_instance',
  'prune_instances',
  'act_on_instances',
  'pin_instance',
  'unpin_instance',
  'force_release',
  'force_lease',
  'collect_instance',
  'grow_instance',
  'admit_request',
  'hold_request',
  'reject_request',
  'fail_request',
  'cancel_request',
  'pressure',
  'oversize',
] as const;

/** What narrows the log down; all of it stands in the URL. */
export function AuditFilters({ filter }: { readonly filter: AuditFilter }) {
  const actions = new Set<string>([...(filter.action ? [filter.action] : []), ...ACTIONS]);
  return (
    <search class="filters of-audit">
      <UrlSelect
        name="action"
        label="Action"
        none="Any action"
        values={Object.fromEntries([...actions].map((each) => [each, each.replaceAll('_', ' ')]))}
      />
      <UrlText name="outcome" label="Outcome, or how it begins" placeholder="Outcome" />
      <UrlText name="instance" label="Instance" placeholder="Instance" type="search" />
      <UrlText name="request" label="Request" placeholder="Request" />
      <UrlText name="by" label="Who asked for it" placeholder="By whom" />
      <span class="soft">
        from <UrlText name="since" label="Since" type="datetime-local" toUrl={toIso} fromUrl={toLocal} />
      </span>
      <span class="soft">
        to <UrlText name="until" label="Until" type="datetime-local" toUrl={toIso} fromUrl={toLocal} />
      </span>
      {Object.keys(filter).length > 0 && (
        <button
          type="button"
          class="button quiet"
          onClick={() => setQuery(Object.fromEntries(AUDIT_FILTERS.map((name) => [name, null])))}
        >
          Clear all
        </button>
      )}
    </search>
  );
}

function toIso(local: string): string {
  const at = Date.parse(local);
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
}

/** As a field for a time takes it: in the viewer's zone, to the minute. */
function toLocal(iso: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
