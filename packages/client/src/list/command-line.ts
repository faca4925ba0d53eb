import type { ActionAsked } from '../wire/bodies.ts';
import type { InstanceFilter } from '../wire/queries.ts';

/** So many ids stand on the command line itself. */
const MOST_NAMED_HERE = 20;

/** What does the same as an action on many, at a terminal. */
export function commandLineOf(pool: string, asked: ActionAsked): string {
  const ofPool = pool === 'main' ? [] : ['--pool', pool];
  const act = ['spica', asked.action, ...ofPool, ...flagsOf(asked)];
  const { ids, match } = asked;
  if (ids !== null && ids.length <= MOST_NAMED_HERE) return write([...act, ...ids]);
  const list =
    ids === null ? ['spica', 'ls', '--quiet', ...ofPool, ...filterFlags(match ?? {})] : ['cat', 'ids.txt'];
  // -r: where nothing matches any more, `spica prune` without an id would prune by the policy.
  return [list, ...namedAlone(match?.ids), ['xargs', '-r', ...act]].map(write).join(' | ');
}

/** What leaves of a list only these: `spica ls` has no filter for it. */
function namedAlone(ids: readonly string[] | undefined): string[][] {
  if (ids === undefined) return [];
  const named = ids.length <= MOST_NAMED_HERE ? ids.flatMap((id) => ['-e', id]) : ['-f', 'ids.txt'];
  return [['grep', '-Fx', ...named]];
}

function flagsOf({ action, why, reason, discard, patterns }: ActionAsked): string[] {
  switch (action) {
    case 'pin':
      return ['--why', why ?? reason];
    case 'release':
      return ['--force', ...(discard ? ['--discard'] : [])];
    case 'collect':
      if (patterns?.length === 0) return ['--none'];
      return (patterns ?? []).flatMap((pattern) => ['--pattern', pattern]);
    default:
      return [];
  }
}

/** A list's filter, as `spica ls` takes it. */
function filterFlags({ q, labels = {}, minBytes, ids: _, ...rest }: InstanceFilter): string[] {
  const pairs = Object.entries({ ...rest, 'min-size': minBytes }).filter(([, value]) => value !== undefined);
  const named = [...pairs, ...Object.entries(labels).map(([name, value]) => [`label.${name}`, value])];
  const flags = named.flatMap(([name, value]) => ['--filter', `${name}=${value}`]);
  return q === undefined ? flags : ['--search', q, ...flags];
}

function write(words: readonly string[]): string {
  return words.map(quote).join(' ');
}

/** As a POSIX shell reads it as one word. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
