import { query, setQuery } from '../router/router.ts';

/** A choice of a few values that stands in the URL under `name`; the first is the one that is meant where it is missing. */
export function Choice<T extends string>({
  name,
  label,
  values,
}: {
  readonly name: string;
  readonly label: string;
  readonly values: readonly (readonly [value: T, text: string])[];
}) {
  const first = values[0]?.[0];
  const chosen = query.value.get(name) ?? first;
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {values.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === chosen}
            onChange={() => setQuery({ [name]: value === first ? null : value })}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
