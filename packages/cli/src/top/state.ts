import type { ListQuery } from '@spica/client/wire';

/** What is shown, and how, as the keys have said. */
export interface TopState {
  readonly query: ListQuery;
  /** Instances that are scrolled past. */
  readonly offset: number;
  readonly isPaused: boolean;
  /** What is being typed after `/`; null where nothing is. */
  readonly typing: string | null;
  readonly isOver: boolean;
}

type Sort = NonNullable<ListQuery['sort']>;

/** Keys that sort. */
const SORT_KEYS: Readonly<Record<string, Sort>> = {
  c: 'spawned',
  s: 'size',
  a: 'age',
  l: 'lease',
  e: 'experiment',
  t: 'template',
  o: 'score',
  i: 'id',
};

const UP = '\u001b[A';
const DOWN = '\u001b[B';
const PAGE_UP = '\u001b[5~';
const PAGE_DOWN = '\u001b[6~';
const HOME = ['\u001b[H', '\u001b[1~', 'g'];
const ESCAPE = '\u001b';
const ENTER = ['\r', '\n'];
const BACKSPACE = ['\u007f', '\b'];
const CTRL_C = '\u0003';
const CTRL_U = '\u0015';
/** Most that is searched for. */
const MOST_TYPED = 200;

export function begin(query: ListQuery): TopState {
  return { query, offset: 0, isPaused: false, typing: null, isOver: false };
}

/**
 * The state after a key. Unknown ones change nothing.
 *
 * @param page Instances that the screen shows.
 */
export function press(state: TopState, key: string, page: number): TopState {
  if (key === CTRL_C) return { ...state, isOver: true };
  if (state.typing !== null) return type(state, state.typing, key);
  const sort = Object.hasOwn(SORT_KEYS, key) ? SORT_KEYS[key] : undefined;
  if (sort !== undefined) return { ...state, offset: 0, query: sorted(state.query, sort) };
  if (HOME.includes(key)) return { ...state, offset: 0 };
  switch (key) {
    case 'q':
      return { ...state, isOver: true };
    case 'r':
      return { ...state, offset: 0, query: { ...state.query, order: opposite(state.query) } };
    case 'p':
    case ' ':
      return { ...state, isPaused: !state.isPaused };
    case '/':
      return { ...state, typing: state.query.q ?? '' };
    case ESCAPE:
      return searched(state, '');
    case UP:
      return scrolled(state, -1);
    case DOWN:
      return scrolled(state, 1);
    case PAGE_UP:
      return scrolled(state, -page);
    case PAGE_DOWN:
      return scrolled(state, page);
    default:
      return state;
  }
}

/** While a text is typed the list follows it; Escape brings back the whole list. */
function type(state: TopState, typed: string, key: string): TopState {
  if (ENTER.includes(key)) return { ...state, typing: null };
  if (key === ESCAPE) return searched({ ...state, typing: null }, '');
  const text = edited(typed, key);
  return text === typed ? state : { ...searched(state, text), typing: text };
}

function edited(typed: string, key: string): string {
  if (BACKSPACE.includes(key)) return typed.slice(0, -1);
  if (key === CTRL_U) return '';
  return /^\P{Cc}+$/u.test(key) ? (typed + key).slice(0, MOST_TYPED) : typed;
}

function searched(state: TopState, text: string): TopState {
  const { q: _, ...query } = state.query;
  return { ...state, offset: 0, query: text === '' ? query : { ...query, q: text } };
}

/** In the order that is usual for it; the same key again turns it round. */
function sorted(query: ListQuery, sort: Sort): ListQuery {
  const order = query.sort === sort ? opposite(query) : usual(sort);
  return { ...query, sort, order };
}

const usual = (sort: ListQuery['sort']) => (sort === 'size' || sort === 'score' ? 'desc' : 'asc');

function opposite({ sort, order = usual(sort) }: ListQuery): 'asc' | 'desc' {
  return order === 'asc' ? 'desc' : 'asc';
}

function scrolled(state: TopState, by: number): TopState {
  return { ...state, offset: Math.max(0, state.offset + by) };
}

/** Takes what a terminal sends apart into keys: several may come at once. */
export function keysIn(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what keys send
  return text.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|./gsu) ?? [];
}
