import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { messageOf } from '../api/call.ts';
import { CommandLine } from './command-line.tsx';
import { Dialog } from './dialog.tsx';

export interface Question {
  readonly title: string;
  /** What will be done, with counts and bytes. */
  readonly text: ComponentChildren;
  /** What the button says: the verb. */
  readonly action: string;
  /** What the button says that leaves all as it is; `Cancel`, where it is not given. */
  readonly dismiss?: string;
  readonly kind?: 'primary' | 'danger';
  /** Whether a reason is asked for, which goes into the audit log. */
  readonly needsReason?: boolean;
  /** The same on the command line. */
  readonly commandLine?: string;
  /** Does it. The dialog stays open, with the message, where it throws. */
  readonly run: (reason: string) => Promise<void>;
}

const asked = signal<Question | null>(null);

/** Asks before something is done. There is one such dialog at a time. */
export function confirm(question: Question): void {
  asked.value = question;
}

/** Where it is shown; once on the page. */
export function ConfirmDialog() {
  const question = asked.value;
  return question && <Confirm key={question.title} question={question} />;
}

function Confirm({ question }: { readonly question: Question }) {
  const { title, text, action, dismiss = 'Cancel', kind = 'primary' } = question;
  const { needsReason = false, commandLine, run } = question;
  const [reason, setReason] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const id = useId();
  const close = () => {
    asked.value = null;
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      await run(reason.trim());
      close();
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={submit}>
        <div class="text">{text}</div>
        {needsReason && (
          <p class="field">
            <label for={id}>Reason, for the audit log</label>
            <input
              id={id}
              required
              maxLength={1_000}
              pattern=".*\S.*"
              value={reason}
              onInput={({ currentTarget }) => setReason(currentTarget.value)}
            />
          </p>
        )}
        {commandLine !== undefined && <CommandLine text={commandLine} />}
        {error !== null && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <p class="actions">
          <button type="button" class="button plain" onClick={close}>
            {dismiss}
          </button>
          <button type="submit" class={`button ${kind}`} aria-busy={isBusy}>
            {action}
          </button>
        </p>
      </form>
    </Dialog>
  );
}
