import { query, setQuery } from '../router/router.ts';

/** A choice of a few values that stands in the URL under `name`, unless it is `preset`. */
export function Choice<T extends string>({
  name,
  label,
  values,
  preset,
}: {
  readonly name: string;
  readonly label: string;
  readonly values: readonly (readonly [value: T, text: string])[];
  readonly preset: T;
}) {
  const chosen = query.value.get(name) ?? preset;
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
            onChange={() => setQuery({ [name]: value === preset ? null : value })}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
