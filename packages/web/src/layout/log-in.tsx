import { useId, useState } from 'preact/hooks';
import { messageOf } from '../api/call.ts';
import { logIn, session } from '../api/session.ts';
import { navigate } from '../router/router.ts';

/** Where somebody shows a token. They then stay where they were. */
export function LogIn() {
  const [token, setToken] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const id = useId();
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await logIn(token.trim());
      if (location.pathname === '/login') navigate('/');
    } catch (failure) {
      setError(messageOf(failure));
      setBusy(false);
    }
  };
  const hasTokens = session.value?.hasTokens ?? false;
  return (
    <form class="panel log-in" onSubmit={submit}>
      <h1>Log in</h1>
      {hasTokens && (
        <>
          <p class="field">
            <label for={id}>Token</label>
            <input
              id={id}
              type="password"
              autocomplete="current-password"
              required
              value={token}
              aria-describedby={error === null ? undefined : `${id}-error`}
              onInput={({ currentTarget }) => setToken(currentTarget.value)}
            />
          </p>
          {error !== null && (
            <p class="error" role="alert" id={`${id}-error`}>
              {error}
            </p>
          )}
          <p>
            <button type="submit" class="button primary" aria-busy={isBusy} disabled={isBusy}>
              Log in
            </button>
          </p>
        </>
      )}
      <p class="hint">
        On Spica's host <code>spica open</code> logs you in as operator, without a token.
        {hasTokens ? ' A' : ' For other machines a'} token is made by{' '}
        <code>spica token create --role operator</code>.
      </p>
    </form>
  );
}
