import { useState } from 'preact/hooks';
import { session } from '../../api/session.ts';
import { UrlSelect } from '../../parts/url-select.tsx';
import { UrlText } from '../../parts/url-text.tsx';
import { query, setQuery } from '../../router/router.ts';
import { isNarrowed, type ListState, withoutFilters } from './list.ts';

/** Another list begins at its top. */
const RESETS = ['row'];
/** The filters that are out of sight until somebody asks for more, or one of them is in force. */
const MORE = ['state', 'experiment', 'template', 'by', 'label', 'minBytes'] as const;

/** What narrows the list down; all of it stands in the URL. */
export function Filters({ list }: { readonly list: ListState }) {
  const caller = session.value?.caller;
  const [isOpen, setOpen] = useState(MORE.some((name) => query.peek().has(name)));
  return (
    <search class={`filters ${isOpen ? '' : 'closed'}`}>
      <UrlText
        resets={RESETS}
        name="q"
        label="Search"
        placeholder="Search id, experiment, label, who…  ( / )"
        type="search"
      />
      <UrlSelect
        resets={RESETS}
        name="rule"
        label="Rule"
        none="Stays or goes"
        values={{ goes: 'Would go now', keeps: 'Stays' }}
      />
      <UrlSelect
        resets={RESETS}
        name="lease"
        label="Lease"
        none="Leased or not"
        values={{ held: 'Leased', none: 'Not leased' }}
      />
      <UrlSelect
        resets={RESETS}
        name="pin"
        label="Pin"
        none="Pinned or not"
        values={{ pinned: 'Pinned', none: 'Not pinned' }}
      />
      <UrlSelect
        resets={RESETS}
        name="unsaved"
        label="Work"
        none="Unsaved or not"
        values={{ yes: 'Unsaved work' }}
      />
      <button type="button" class="button plain" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        More filters
      </button>
      {isNarrowed(list) && (
        <button type="button" class="button quiet" onClick={() => setQuery(withoutFilters())}>
          Clear all
        </button>
      )}
      {isOpen && (
        <div class="more">
          <UrlSelect
            resets={RESETS}
            name="state"
            label="State"
            none="Any state"
            values={{ ready: 'Ready', 'in-flight': 'In flight', deleting: 'Being deleted' }}
          />
          <UrlText resets={RESETS} name="experiment" label="Experiment" placeholder="Experiment" />
          <UrlText resets={RESETS} name="template" label="Template" placeholder="Template" />
          <UrlText
            resets={RESETS}
            name="by"
            label="Submitted by"
            placeholder={`Submitted by, as ${caller?.name ?? 'ada'}`}
          />
          <UrlText
            resets={RESETS}
            name="label"
            label="Label, as NAME=VALUE"
            placeholder="Label: NAME=VALUE"
          />
          <UrlText
            resets={RESETS}
            name="minBytes"
            label="At least so many GB"
            placeholder="At least … GB"
            toUrl={(text) => (Number(text) > 0 ? String(Math.round(Number(text) * 1e9)) : '')}
            fromUrl={(text) => (Number(text) > 0 ? String(Number(text) / 1e9) : '')}
          />
        </div>
      )}
    </search>
  );
}
