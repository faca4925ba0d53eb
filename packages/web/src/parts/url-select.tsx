import { query, setQuery } from '../router/router.ts';

/** A choice among values that stands in the URL under `name`; by default none. */
export function UrlSelect({
  name,
  label,
  none,
  values,
  resets = [],
}: {
  readonly name: string;
  readonly label: string;
  /** What is said of no choice. */
  readonly none: string;
  readonly values: Readonly<Record<string, string>>;
  /** What else is taken out of the URL with a change. */
  readonly resets?: readonly string[];
}) {
  const value = query.value.get(name) ?? '';
  return (
    <select
      aria-label={label}
      class={value === '' ? '' : 'in-force'}
      value={value}
      onChange={({ currentTarget }) =>
        setQuery({ ...Object.fromEntries(resets.map((each) => [each, null])), [name]: currentTarget.value })
      }
    >
      <option value="">{none}</option>
      {Object.entries(values).map(([each, text]) => (
        <option key={each} value={each}>
          {text}
        </option>
      ))}
    </select>
  );
}
