import { bytes } from '../../../parts/format.ts';
import { query, setQuery } from '../../../router/router.ts';
import { PARTS, type Part } from './stack.ts';

export const PART_NAMES: Readonly<Record<Part, string>> = {
  free: 'Free',
  reserved: 'Reserved',
  growth: 'Growth to come',
  instances: 'Instances',
  trash: 'Trash',
  templates: 'Templates',
  others: 'Others',
};

/** The parts that the URL says are not shown. */
export function hiddenParts(): ReadonlySet<Part> {
  const named = query.value.get('hide')?.split(',') ?? [];
  return new Set(PARTS.filter((part) => named.includes(part)));
}

/** The parts with their figures at the time under the cursor; each can be taken out of the stack. */
export function Legend({ figures }: { readonly figures: Readonly<Record<Part, number>> }) {
  const hidden = hiddenParts();
  const toggle = (part: Part) => {
    const next = PARTS.filter((each) => (each === part ? !hidden.has(each) : hidden.has(each)));
    setQuery({ hide: next.join(',') });
  };
  return (
    <div class="legend">
      {[...PARTS].reverse().map((part) => (
        <button
          key={part}
          type="button"
          aria-pressed={!hidden.has(part)}
          title={hidden.has(part) ? 'Show it in the stack' : 'Take it out of the stack'}
          onClick={() => toggle(part)}
        >
          <span class={`swatch ${part}`} aria-hidden="true" />
          <span>{PART_NAMES[part]}</span>
          <span class="num value">{bytes(figures[part])}</span>
        </button>
      ))}
      <p>
        <span class="swatch line floor" aria-hidden="true" /> floor
        <span class="swatch line target" aria-hidden="true" /> target
        <span class="swatch band" aria-hidden="true" /> forecast
      </p>
    </div>
  );
}
