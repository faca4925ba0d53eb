import { logOut, session } from '../api/session.ts';
import { live } from '../live/current.ts';
import type { Link } from '../live/live.ts';
import { Button } from '../parts/button.tsx';
import { clock } from '../parts/format.ts';
import { chooseTheme, type Theme, theme } from '../parts/theme.ts';
import { hrefTo, navigate, path, poolName } from '../router/router.ts';
import { VIEWS } from '../views/index.ts';

/** What stands above every view: where one can go, which pool it is about, how current it is, and who is there. */
export function Header() {
  const isIn = session.value?.caller != null;
  return (
    <header class="top">
      <a class="brand" href={hrefTo('/')}>
        Spica
      </a>
      {isIn && <PoolChoice />}
      {isIn && <Menu />}
      <div class="right">
        {isIn && <LinkState />}
        <ThemeChoice />
        <Caller />
      </div>
    </header>
  );
}

function Menu() {
  const entries = VIEWS.filter(({ menu }) => menu !== null);
  const isHere = (to: string) => path.value === to || (to !== '/' && path.value.startsWith(`${to}/`));
  return (
    <nav aria-label="Pages">
      {entries.map(({ path: to, menu }) => (
        <a key={to} href={hrefTo(to)} aria-current={isHere(to) ? 'page' : undefined}>
          {menu}
        </a>
      ))}
      <a href="/queues">Queues</a>
    </nav>
  );
}

function PoolChoice() {
  const pools = session.value?.pools ?? [];
  if (pools.length < 2) return null;
  return (
    <label class="pool-choice">
      <span class="unseen">Pool</span>
      <select
        value={poolName.value ?? ''}
        onChange={({ currentTarget }) => navigate(hrefTo(path.value, { pool: currentTarget.value }))}
      >
        {pools.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}

const LINK: Readonly<Record<Link, readonly [shape: string, text: (asOf: string) => string]>> = {
  connecting: ['○', () => 'Connecting…'],
  live: ['●', () => 'Live'],
  polling: ['◐', () => 'Every 5 s'],
  lost: ['▲', (asOf) => (asOf === '' ? 'No answer, trying again' : `As of ${asOf}, reconnecting`)],
  paused: ['‖', (asOf) => `Paused at ${asOf}`],
};

/** Says so where the page is not current. */
function LinkState() {
  const link = live.value?.link.value ?? 'connecting';
  const at = live.value?.asOf.value ?? null;
  const [shape, text] = LINK[link];
  return (
    <span class={`link ${link}`} role="status">
      <span aria-hidden="true">{shape}</span> {text(at === null ? '' : clock(at))}
    </span>
  );
}

const NEXT: Readonly<Record<Theme, readonly [Theme, string, string]>> = {
  auto: ['light', '◑', "Colours: as the system's"],
  light: ['dark', '☀', 'Colours: light'],
  dark: ['auto', '☾', 'Colours: dark'],
};

function ThemeChoice() {
  const [next, shape, text] = NEXT[theme.value];
  return (
    <button
      type="button"
      class="button quiet"
      title={text}
      aria-label={`${text}. Change`}
      onClick={() => chooseTheme(next)}
    >
      {shape}
    </button>
  );
}

function Caller() {
  const caller = session.value?.caller;
  if (!caller) return null;
  // Whoever looks on without a token may log in; a token that a proxy adds cannot be put off here.
  if (caller.door === 'loopback') {
    return (
      <span class="caller">
        looking on <a href={`/login?next=${encodeURIComponent(path.value)}`}>Log in</a>
      </span>
    );
  }
  return (
    <span class="caller">
      <span title={`role: ${caller.role}`}>
        {caller.name} · {caller.role}
      </span>
      {caller.door === 'session' && (
        <Button kind="quiet" onClick={logOut}>
          Log out
        </Button>
      )}
    </span>
  );
}
