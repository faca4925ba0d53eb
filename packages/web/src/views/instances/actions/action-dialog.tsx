import type { ActionPreview, ActionView } from '@spica/client/wire';
import { useState } from 'preact/hooks';
import { messageOf } from '../../../api/call.ts';
import { useDebounced } from '../../../api/use-debounced.ts';
import { useLoad } from '../../../api/use-load.ts';
import { CommandLine } from '../../../parts/command-line.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { bytes, countOf } from '../../../parts/format.ts';
import { toast } from '../../../parts/toasts.tsx';
import { poolName } from '../../../router/router.ts';
import { type ActionOptions, askPreview, run } from './ask.ts';
import { Fields } from './fields.tsx';
import { Outcome } from './outcome.tsx';
import { countOfTarget, type Target } from './target.ts';
import { outcomeText, VERBS, type Verb } from './verbs.ts';

const TYPING_MS = 250;

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
  const [options, setOptions] = useState<ActionOptions>({ reason: '', discard: false, patterns: '', gb: '' });
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
    if (state.isBusy) return;
    if (preview.data === null) return setState({ ...state, tries: state.tries + 1 }); // first, how many they are
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
            aria-busy={state.isBusy || preview.isLoading}
            disabled={preview.data === null && preview.error === null}
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
