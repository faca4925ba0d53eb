import { useState } from 'preact/hooks';
import { session } from '../../../api/session.ts';
import { Button } from '../../../parts/button.tsx';
import { ActionDialog } from './action-dialog.tsx';
import { MOST_GROWN } from './grow.ts';
import { countOfTarget, type Target } from './target.ts';
import { VERBS, type Verb } from './verbs.ts';

export interface ActionsProps {
  readonly target: Target;
  readonly verbs: readonly Verb[];
  /** Whether all of them were submitted with the caller's own token, as far as that is known here. */
  readonly isOwn: boolean;
  /** Called when something was done. */
  readonly onDone: () => void;
}

/** Buttons for what can be done with instances; each asks before it does. */
export function Actions({ target, verbs, isOwn, onDone }: ActionsProps) {
  const [asked, setAsked] = useState<Verb | null>(null);
  return (
    <>
      {verbs.map((verb) => (
        <Button
          key={verb}
          kind={VERBS[verb].kind === 'danger' ? 'danger' : 'plain'}
          disabledBecause={whyNot(verb, target, isOwn)}
          onClick={() => setAsked(verb)}
        >
          {VERBS[verb].button}
        </Button>
      ))}
      {asked && (
        <ActionDialog
          key={asked}
          verb={asked}
          target={target}
          onDone={() => {
            setAsked(null);
            onDone();
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function whyNot(verb: Verb, target: Target, isOwn: boolean): string | null {
  if (countOfTarget(target) === 0) return 'Choose instances first';
  const role = session.value?.caller?.role;
  if (verb === 'grow' && !('ids' in target && target.ids.length <= MOST_GROWN)) {
    return `Choose at most ${MOST_GROWN} instances: each waits for its room`;
  }
  if (role === 'operator') return null;
  if (role === 'runner' && VERBS[verb].forRunners) {
    return isOwn ? null : "A runner's token is for what was submitted with it";
  }
  return 'Only operators may: log in as one';
}
