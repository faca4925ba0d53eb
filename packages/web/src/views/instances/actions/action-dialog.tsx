import type { ActionPreview, ActionView } from '@spica/client/wire';
import { useId, useState } from 'preact/hooks';
import { messageOf, send } from '../../../api/call.ts';
import { useDebounced } from '../../../api/use-debounced.ts';
import { useLoad } from '../../../api/use-load.ts';
import { CommandLine } from '../../../parts/command-line.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { bytes, countOf } from '../../../parts/format.ts';
import { toast } from '../../../parts/toasts.tsx';
import { poolName } from '../../../router/router.ts';
import { growCommand, growEach, MOST_GROWN, parseGb } from './grow.ts';
import { Outcome } from './outcome.tsx';
import { countOfTarget, type Target, targetBody } from './target.ts';
import { outcomeText, VERBS, type Verb } from './verbs.ts';

const TYPING_MS = 250;
/** Stands in the command line until a reason was given. */
const NO_REASON = 'REASON';

interface Options {
  readonly reason: string;
  readonly discard: boolean;
  /** Separated by spaces; empty for those that each has. */
  readonly patterns: string;
  readonly gb: string;
}

/**
 * Asks before something is done with instances: how many they are now, what that frees, why, and how a terminal would do it;
 * then says what came of it. Where others match by then, nothing is done, and the new count is shown.
 */
export function ActionDialog({
  verb,
  target,
  onDone,
  onClose,
}: {
  readonly verb: Verb;
  readonly target: Target;
  /** Called in place of `onClose` where something was done, and what came of it was read. */
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const pool = poolName.value;
  const [options, setOptions] = useState<Options>({ reason: '', discard: false, patterns: '', gb: '' });
  const [state, setState] = useState<{ isBusy: boolean; error: string | null; tries: number }>({
    isBusy: false,
    error: null,
    tries: 0,
  });
  const [outcome, setOutcome] = useState<ActionView | null>(null);
  const settled = useDebounced(options, TYPING_MS);
  const preview = useLoad<ActionPreview>(
    (signal) => askPreview(verb, target, { options: settled, pool, signal }),
    verb,
    [JSON.stringify(settled), state.tries],
  );
  const { button, kind, explain } = VERBS[verb];
  const count = preview.data?.matched ?? countOfTarget(target);
  const title = `${button} ${countOf(count, 'instance')}`;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (state.isBusy || preview.data === null) return;
    setState({ ...state, isBusy: true, error: null });
    try {
      const done = await run(verb, target, { options, pool, confirm: preview.data.matched });
      if (done.failed.length > 0) setOutcome(done);
      else {
        toast('good', outcomeText(verb, done));
        onDone();
      }
    } catch (failure) {
      setState({ isBusy: false, error: messageOf(failure), tries: state.tries + 1 });
    }
  };
  if (outcome !== null) return <Outcome verb={verb} outcome={outcome} onClose={onDone} />;
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{explain(count, preview.data?.ownBytes ?? 0)}</p>
        {preview.data && <Sample preview={preview.data} target={target} />}
        <Fields verb={verb} options={options} onChange={setOptions} />
        <CommandLine text={preview.data?.commandLine ?? '…'} />
        {(state.error ?? preview.error) !== null && (
          <p class="error" role="alert">
            {state.error ?? preview.error}
          </p>
        )}
        <p class="actions">
          <button type="button" class="button plain" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button ${kind}`}
            aria-busy={state.isBusy || preview.data === null}
            disabled={preview.data === null}
          >
            {title}
          </button>
        </p>
      </form>
    </Dialog>
  );
}

/** Which they are, and what they take. */
function Sample({
  preview: { sample, matched, ownBytes },
  target,
}: {
  readonly preview: ActionPreview;
  readonly target: Target;
}) {
  const missing = 'ids' in target ? target.ids.length - matched : 0;
  return (
    <div>
      <ul class="sample" aria-label="Among them">
        {sample.slice(0, 6).map((id) => (
          <li key={id} class="id">
            {id}
          </li>
        ))}
        {matched > 6 && <li class="soft">and {countOf(matched - 6, 'other')}</li>}
      </ul>
      <p class="soft">
        {bytes(ownBytes)} of their own.{' '}
        {missing > 0 &&
          `${countOf(missing, 'chosen instance')} ${missing === 1 ? 'is' : 'are'} gone already.`}
      </p>
    </div>
  );
}

function Fields({
  verb,
  options,
  onChange,
}: {
  readonly verb: Verb;
  readonly options: Options;
  readonly onChange: (next: Options) => void;
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

const ACTIONS_PATH = '/v1/instances/actions';

async function askPreview(
  verb: Verb,
  target: Target,
  {
    options,
    pool,
    signal,
  }: { readonly options: Options; readonly pool: string | null; readonly signal: AbortSignal },
): Promise<ActionPreview> {
  // Measuring the same ones says how many there are, and changes nothing either.
  const action = verb === 'grow' ? 'sample' : verb;
  const found = await send<ActionPreview>('POST', ACTIONS_PATH, {
    query: { pool, dryRun: true },
    body: { ...bodyOf(action, target, options), reason: options.reason.trim() || NO_REASON },
    signal,
  });
  if (verb !== 'grow' || !('ids' in target)) return found;
  return { ...found, commandLine: growCommand(found.sample, options.gb || 'N', pool) };
}

async function run(
  verb: Verb,
  target: Target,
  {
    options,
    pool,
    confirm,
  }: { readonly options: Options; readonly pool: string | null; readonly confirm: number },
): Promise<ActionView> {
  if (verb === 'grow') {
    const capBytes = parseGb(options.gb);
    if (capBytes === null) throw new Error(`New cap: expected a size in GB, got "${options.gb}"`);
    return growEach('ids' in target ? target.ids.slice(0, MOST_GROWN) : [], { capBytes, pool });
  }
  return send<ActionView>('POST', ACTIONS_PATH, {
    query: { pool },
    body: { ...bodyOf(verb, target, options), reason: options.reason.trim(), ...confirmOf(target, confirm) },
  });
}

/** Those named are the same ones, however many of them are still there. */
function confirmOf(target: Target, confirm: number): object {
  return 'ids' in target ? {} : { confirm };
}

function bodyOf(action: Exclude<Verb, 'grow'>, target: Target, { discard, patterns }: Options): object {
  const given = patterns.split(/\s+/).filter((each) => each !== '');
  return {
    action,
    ...targetBody(target),
    ...(action === 'release' && discard ? { discard } : {}),
    ...(action === 'collect' && given.length > 0 ? { patterns: given } : {}),
  };
}
