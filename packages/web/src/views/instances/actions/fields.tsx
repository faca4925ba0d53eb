import { useId } from 'preact/hooks';
import type { ActionOptions } from './ask.ts';
import type { Verb } from './verbs.ts';

/** What is asked of the operator before something is done with instances. */
export function Fields({
  verb,
  options,
  onChange,
}: {
  readonly verb: Verb;
  readonly options: ActionOptions;
  readonly onChange: (next: ActionOptions) => void;
}) {
  const id = useId();
  return (
    <>
      {verb === 'grow' && (
        <p class="field">
          <label for={`${id}-gb`}>New cap, in GB</label>
          <input
            id={`${id}-gb`}
            required
            inputMode="decimal"
            pattern="\d+(\.\d+)?"
            placeholder="20"
            value={options.gb}
            onInput={({ currentTarget }) => onChange({ ...options, gb: currentTarget.value })}
          />
        </p>
      )}
      {verb === 'collect' && (
        <p class="field">
          <label for={`${id}-patterns`}>Patterns from now on, separated by spaces</label>
          <input
            id={`${id}-patterns`}
            placeholder="those that each has"
            value={options.patterns}
            onInput={({ currentTarget }) => onChange({ ...options, patterns: currentTarget.value })}
          />
        </p>
      )}
      {verb === 'release' && (
        <label>
          <input
            type="checkbox"
            checked={options.discard}
            onChange={({ currentTarget }) => onChange({ ...options, discard: currentTarget.checked })}
          />{' '}
          Nobody needs them any more: they are the first to go
        </label>
      )}
      {verb !== 'grow' && (
        <p class="field">
          <label for={`${id}-reason`}>Reason, for the audit log</label>
          <input
            id={`${id}-reason`}
            required
            maxLength={1_000}
            pattern=".*\S.*"
            autocomplete="off"
            value={options.reason}
            onInput={({ currentTarget }) => onChange({ ...options, reason: currentTarget.value })}
          />
        </p>
      )}
    </>
  );
}
