import type { ActionPreview, ActionView } from '@spica/client/wire';
import { send } from '../../../api/call.ts';
import { growCommand, growEach, MOST_GROWN, parseGb } from './grow.ts';
import { type Target, targetBody } from './target.ts';
import type { Verb } from './verbs.ts';

/** What the operator has filled in. */
export interface ActionOptions {
  readonly reason: string;
  readonly discard: boolean;
  /** Separated by spaces; empty for those that each has. */
  readonly patterns: string;
  readonly gb: string;
}

/** Stands in the command line until a reason was given. */
const NO_REASON = 'REASON';

const ACTIONS_PATH = '/v1/instances/actions';

/** How many instances it would be now, what that frees, and how a terminal would do it. Changes nothing. */
export async function askPreview(
  verb: Verb,
  target: Target,
  {
    options,
    pool,
    signal,
  }: { readonly options: ActionOptions; readonly pool: string | null; readonly signal: AbortSignal },
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

/** Does it, and says what came of it; refused where another number than `confirm` matches by now. */
export async function run(
  verb: Verb,
  target: Target,
  {
    options,
    pool,
    confirm,
  }: { readonly options: ActionOptions; readonly pool: string | null; readonly confirm: number },
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

function bodyOf(action: Exclude<Verb, 'grow'>, target: Target, { discard, patterns }: ActionOptions): object {
  const given = patterns.split(/\s+/).filter((each) => each !== '');
  return {
    action,
    ...targetBody(target),
    ...(action === 'release' && discard ? { discard } : {}),
    ...(action === 'collect' && given.length > 0 ? { patterns: given } : {}),
  };
}
