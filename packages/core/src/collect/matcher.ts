import { compileGlob, type State, stateMaker } from './glob.ts';

/** Of all patterns of a list. */
const MOST_STATES = 20_000;
/** What was read is remembered, up to so many states: what is alike is read fast, and nobody fills the memory. */
const MOST_REMEMBERED = 500_000;

/** How far a path was read: the states that reading has led to. */
interface Place {
  readonly states: readonly State[];
  readonly isEnd: boolean;
  readonly after: Map<string, Place>;
}

/** How far a path was read, by what is looked for and by what is left out. */
export interface Reading {
  readonly wanted: Place;
  readonly unwanted: Place;
}

/** Tells which paths a list of patterns means, in time that grows with their length only. */
export interface PathMatcher {
  readonly start: Reading;
  /** Reads on. */
  read(from: Reading, text: string): Reading;
  /** Whether what was read is meant. */
  matches(reading: Reading): boolean;
  /** Whether something that begins with what was read may be meant. */
  mayLead(reading: Reading): boolean;
}

/**
 * Patterns as `compileGlob` has them; those that begin with `!` leave out what others mean, wherever they stand. Throws
 * Error with what was expected of a pattern.
 */
export function createMatcher(patterns: readonly string[]): PathMatcher {
  const states = stateMaker(MOST_STATES);
  const end = states.make({});
  const compile = (list: readonly string[]) => {
    const also = list.map((pattern) => compileGlob(pattern, end, states));
    return createMachine(states.make({ also }), end);
  };
  const wanted = compile(patterns.filter((pattern) => !isLeftOut(pattern)));
  const unwanted = compile(patterns.filter(isLeftOut).map((pattern) => pattern.slice(1)));
  return {
    start: { wanted: wanted.start, unwanted: unwanted.start },
    read: (from, text) => ({
      wanted: wanted.read(from.wanted, text),
      unwanted: unwanted.read(from.unwanted, text),
    }),
    matches: (reading) => reading.wanted.isEnd && !reading.unwanted.isEnd,
    mayLead: (reading) => reading.wanted.states.length > 0,
  };
}

function isLeftOut(pattern: string): boolean {
  return pattern.startsWith('!') && !pattern.startsWith('!(');
}

function createMachine(first: State, end: State) {
  const places = new Map<string, Place>();
  let remembered = 0;

  const remember = (count: number) => {
    remembered += count;
    if (remembered < MOST_REMEMBERED) return;
    for (const place of places.values()) place.after.clear();
    places.clear();
    remembered = 0;
  };
  const placeOf = (from: readonly State[]): Place => {
    const found = new Set<State>();
    const waiting = [...from];
    for (let state = waiting.pop(); state; state = waiting.pop()) {
      if (found.has(state)) continue;
      found.add(state);
      waiting.push(...state.also);
    }
    const states = [...found].filter(({ reads }) => reads !== null).sort((a, b) => a.id - b.id);
    const isEnd = found.has(end);
    const key = `${isEnd} ${states.map(({ id }) => id).join(' ')}`;
    const known = places.get(key);
    if (known) return known;
    remember(1 + states.length);
    const place = { states, isEnd, after: new Map<string, Place>() };
    places.set(key, place);
    return place;
  };

  return {
    start: placeOf([first]),
    read(from: Place, text: string): Place {
      let place = from;
      for (const char of text) {
        let next = place.after.get(char);
        if (!next) {
          const here = place;
          next = placeOf(
            here.states.flatMap((state) => (state.reads?.(char) && state.next ? [state.next] : [])),
          );
          remember(1);
          here.after.set(char, next);
        }
        place = next;
      }
      return place;
    },
  };
}
