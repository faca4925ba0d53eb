import type { ActionView } from '@spica/client/wire';
import { Dialog } from '../../../parts/dialog.tsx';
import { count } from '../../../parts/format.ts';
import { Sentence } from '../../../parts/sentence.tsx';
import { hrefTo } from '../../../router/router.ts';
import { outcomeText, type Verb } from './verbs.ts';

const MOST_SHOWN = 200;

/** What came of an action that could not be done with all: of each that it could not, why. */
export function Outcome({
  verb,
  outcome,
  onClose,
}: {
  readonly verb: Verb;
  readonly outcome: ActionView;
  readonly onClose: () => void;
}) {
  const { failed } = outcome;
  const more = failed.length - MOST_SHOWN;
  return (
    <Dialog title={outcomeText(verb, outcome)} onClose={onClose}>
      <p>{failed.length === 1 ? 'One was not:' : `${count(failed.length)} were not:`}</p>
      <dl class="why-not">
        {failed.slice(0, MOST_SHOWN).map(({ id, reason }) => (
          <div key={id}>
            <dt>
              <a class="id" href={hrefTo(`/instances/${id}`)}>
                {id}
              </a>
            </dt>
            <dd>
              <Sentence text={reason} />
            </dd>
          </div>
        ))}
      </dl>
      {more > 0 && <p class="soft">And {count(more)} more.</p>}
      <p class="actions">
        <button type="button" class="button primary" onClick={onClose}>
          Close
        </button>
      </p>
    </Dialog>
  );
}
