const HIDDEN = '***';

/**
 * A text as it may be shown: user and password of any URL in it, and query values named like a password, are hidden.
 * It hides too much rather than too little (up to the last `@`), since a password may hold any character.
 */
export function redactText(text: string): string {
  return text
    .replace(/:\/\/[\s\S]*@/g, `://${HIDDEN}@`)
    .replace(/([?&][^=&]*(?:pass|auth|secret|token)[^=&]*=)[^&]*/gi, `$1${HIDDEN}`);
}

/** A URL that may be a secret: whose it is, and no more. */
export function redactUrl(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/${HIDDEN}` : HIDDEN;
}

/** A receiver of notifications as it may be shown: where its secrets are, if they are not in the config itself. */
export function redactTarget<Target extends { readonly url: unknown; readonly secret: unknown }>(
  target: Target,
) {
  const { url, secret } = target;
  return {
    ...target,
    url: typeof url === 'string' ? redactUrl(url) : url,
    secret: typeof secret === 'string' ? HIDDEN : secret,
  };
}

/**
 * A value that was refused, for an error. A map or list is only named, and of a refused Redis URL nothing but the
 * scheme is shown: where the password stands in it cannot be known.
 */
export function describeValue(path: readonly PropertyKey[], value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value !== 'string') return String(value);
  if (path[0] === 'notify' && path.some((key) => key === 'url' || key === 'secret')) return `"${HIDDEN}"`;
  if (path[0] === 'redis') return JSON.stringify(`${/^[a-z]+:\/\//i.exec(value)?.[0] ?? ''}${HIDDEN}`);
  const shown = redactText(value);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}
