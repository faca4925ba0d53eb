/**
 * Patterns as states of a machine that reads a path character by character. So a path takes time in proportion to its
 * length, whatever the pattern: a regular expression of a pattern like `*a*a*a*b` may take years, and whoever writes a
 * pattern is not who waits for it.
 */

/** Reads one character and goes on at `next`, or stands for the states in `also`. */
export interface State {
  readonly id: number;
  readonly reads: ((char: string) => boolean) | null;
  readonly next: State | null;
  readonly also: readonly State[];
}

/** A part of a pattern: makes the states that lead to the ones behind it. */
type Part = (behind: State) => State;

/** A range like `{1..100}` has no more alternatives. */
const MOST_IN_RANGE = 1_000;

/** Makes states, up to a number: more is no pattern that a person writes. */
export interface StateMaker {
  make(of: Partial<Omit<State, 'id'>>): State;
}

export function stateMaker(most: number): StateMaker {
  let made = 0;
  return {
    make({ reads = null, next = null, also = [] }) {
      made += 1;
      if (made > most) throw new Error('expected a simpler pattern');
      return { id: made, reads, next, also };
    },
  };
}

/**
 * The first state of a pattern whose last is `end`. It has `**` (any directories, as a part of its own), `*`, `?`, `[a-z]`,
 * `[!a-z]`, `{a,b}`, `{1..9}`, `?(a|b)`, `*(a|b)`, `+(a|b)`, `@(a|b)`, and `\` before what is meant as it is. What
 * matches a directory matches all in it, unless the pattern ends with `*`. Throws Error with what was expected.
 */
export function compileGlob(pattern: string, end: State, states: StateMaker): State {
  const names = pattern.split('/').filter((name) => name !== '' && name !== '.');
  const text = [...(names.join('/') || '**')];
  const parts = createParts(states);
  const { part, at } = parse(text, 0, '', parts);
  if (at < text.length) throw new Error('expected a pattern whose brackets match');
  const isOfEntries = text.at(-1) === '*' && text.at(-2) !== '\\';
  if (isOfEntries) return part(end);
  const below = parts.inTurn([parts.one(isSlash), parts.many(parts.one(isAny))]);
  return part(parts.oneOf([parts.none, below])(end));
}

const isAny = () => true;
const isSlash = (char: string) => char === '/';
const isInName = (char: string) => char !== '/';

function createParts({ make }: StateMaker) {
  const one =
    (reads: (char: string) => boolean): Part =>
    (next) =>
      make({ reads, next });
  const inTurn =
    (parts: readonly Part[]): Part =>
    (behind) =>
      parts.reduceRight((next, part) => part(next), behind);
  const oneOf =
    (parts: readonly Part[]): Part =>
    (behind) =>
      make({ also: parts.map((part) => part(behind)) });
  const many =
    (part: Part): Part =>
    (behind) => {
      const also = [behind];
      const state = make({ also });
      also.push(part(state));
      return state;
    };
  const none: Part = (behind) => behind;
  return { one, inTurn, oneOf, many, none };
}

type Parts = ReturnType<typeof createParts>;

interface Parsed {
  readonly part: Part;
  /** Where it ends. */
  readonly at: number;
}

/** Parses up to one of the characters in `until` (which it leaves there), or the end. */
function parse(text: readonly string[], from: number, until: string, parts: Parts): Parsed {
  const { one, inTurn } = parts;
  const found: Part[] = [];
  let at = from;
  while (at < text.length && !until.includes(text[at] ?? '')) {
    const parsed = parseOne(text, at, parts, { first: from, until });
    const char = text[at];
    found.push(parsed?.part ?? one((read) => read === char));
    at = parsed?.at ?? at + 1;
  }
  return { part: inTurn(found), at };
}

interface Around {
  readonly first: number;
  readonly until: string;
}

/** What begins at a place; null where the character there is meant as it is. */
function parseOne(text: readonly string[], at: number, parts: Parts, around: Around): Parsed | null {
  const { one, many } = parts;
  const [char = '', following] = [text[at], text[at + 1]];
  if (following === '(' && '!?*+@'.includes(char)) return parseGroup(text, at, parts);
  switch (char) {
    case '\\':
      return following === undefined ? null : { part: one((read) => read === following), at: at + 2 };
    case '?':
      return { part: one(isInName), at: at + 1 };
    case '*':
      return parseDirectories(text, at, parts, around) ?? { part: many(one(isInName)), at: at + 1 };
    case '[':
      return parseClass(text, at, parts);
    case '{':
      return parseRange(text, at, parts) ?? parseBraces(text, at, parts);
    default:
      return null;
  }
}

/** `**` between slashes, or at an end. */
function parseDirectories(text: readonly string[], at: number, parts: Parts, { first, until }: Around) {
  const { one, many, inTurn, oneOf, none } = parts;
  const behind = text[at + 2];
  const isPart = text[at + 1] === '*' && (at === first || text[at - 1] === '/');
  if (!isPart) return null;
  if (behind === undefined || until.includes(behind)) return { part: many(one(isAny)), at: at + 2 };
  if (behind !== '/') return null;
  return { part: oneOf([none, inTurn([many(one(isAny)), one(isSlash)])]), at: at + 3 };
}

/** Alternatives from a place on, up to what closes them; null where nothing does. */
function parseList(text: readonly string[], from: number, between: string, close: string, parts: Parts) {
  const found: Part[] = [];
  for (let at = from; ; at += 1) {
    const parsed = parse(text, at, between + close, parts);
    found.push(parsed.part);
    at = parsed.at;
    if (at >= text.length) return null;
    if (text[at] === close) return { found, at: at + 1 };
  }
}

function parseBraces(text: readonly string[], at: number, parts: Parts): Parsed | null {
  const list = parseList(text, at + 1, ',', '}', parts);
  return list && list.found.length > 1 ? { part: parts.oneOf(list.found), at: list.at } : null;
}

function parseGroup(text: readonly string[], at: number, parts: Parts): Parsed {
  const { inTurn, oneOf, many, none } = parts;
  const sign = text[at];
  if (sign === '!') throw new Error('expected a pattern without !(…): begin one with ! for what is left out');
  const list = parseList(text, at + 2, '|', ')', parts);
  if (list === null) throw new Error('expected a pattern whose brackets match');
  const once = oneOf(list.found);
  const ofSign = { '?': oneOf([none, once]), '*': many(once), '+': inTurn([once, many(once)]) };
  return { part: ofSign[sign as keyof typeof ofSign] ?? once, at: list.at };
}

function parseRange(text: readonly string[], at: number, { one, inTurn, oneOf }: Parts): Parsed | null {
  const rest = text.slice(at, at + 30).join('');
  const [all, from = '', to = ''] = /^\{(-?\d{1,9}|[a-zA-Z])\.\.(-?\d{1,9}|[a-zA-Z])\}/.exec(rest) ?? [];
  if (all === undefined) return null;
  const areNumbers = [from, to].every((end) => !Number.isNaN(Number(end)));
  const codeOf = (end: string) => (areNumbers ? Number(end) : (end.codePointAt(0) ?? 0));
  const [low = 0, high = 0] = [codeOf(from), codeOf(to)].sort((a, b) => a - b);
  if (high - low >= MOST_IN_RANGE)
    throw new Error(`expected at most ${MOST_IN_RANGE} in a range, got ${all}`);
  const values = Array.from({ length: high - low + 1 }, (_, i) => low + i);
  const spelled = values.map((value) => (areNumbers ? String(value) : String.fromCodePoint(value)));
  const exactly = (word: string) => inTurn([...word].map((char) => one((read) => read === char)));
  return { part: oneOf(spelled.map(exactly)), at: at + all.length };
}

/** `[a-z]`, `[!a-z]`; null where nothing closes it. It never matches a slash. */
function parseClass(text: readonly string[], at: number, { one }: Parts): Parsed | null {
  const isNegated = text[at + 1] === '!' || text[at + 1] === '^';
  const begin = at + (isNegated ? 2 : 1);
  const ranges: (readonly [from: string, to: string])[] = [];
  for (let i = begin; i < text.length; ) {
    if (text[i] === ']' && i > begin) {
      const isIn = (char: string) => ranges.some(([from, to]) => from <= char && char <= to);
      return { part: one((char) => char !== '/' && isIn(char) !== isNegated), at: i + 1 };
    }
    if (text[i] === '[' && text[i + 1] === ':') throw new Error('expected a pattern without [:…:]');
    const readOne = () => {
      if (text[i] === '\\') i += 1;
      i += 1;
      return text[i - 1] ?? '';
    };
    const from = readOne();
    const isRange = text[i] === '-' && text[i + 1] !== ']' && i + 1 < text.length;
    if (isRange) i += 1;
    ranges.push([from, isRange ? readOne() : from]);
  }
  return null;
}
