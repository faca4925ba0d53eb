import * as z from 'zod';
import { NOTIFY_DEFAULT, NOTIFY_EVENTS, NOTIFY_FORMATS } from '../notify/events.ts';
import type { NotifyTarget } from './config.ts';
import { absolutePath, type PathStart } from './path.ts';
import { type SecretGiven, secretOr, toSecretRef } from './secret.ts';

const HTTP_URL_EXPECTED = 'expected a URL like https://host/path, without user and password';

/** Whether it is a URL that can be posted to: `fetch` refuses one with a login, and its message would show it. */
export function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

export const httpUrl = z.string(HTTP_URL_EXPECTED).refine(isHttpUrl, HTTP_URL_EXPECTED);

/** A receiver of notifications. `path` and `text`: the schemas of these. */
export function notifyTarget<Path extends z.ZodType<string>, Text extends z.ZodType<string>>({
  path,
  text,
}: {
  readonly path: Path;
  readonly text: Text;
}) {
  return z.strictObject({
    url: secretOr(httpUrl, path),
    on: z
      .array(
        z.enum(NOTIFY_EVENTS, `expected one of ${NOTIFY_EVENTS.join(', ')}`),
        'expected a list of events',
      )
      .min(1, 'expected at least one event')
      .default([...NOTIFY_DEFAULT]),
    format: z.enum(NOTIFY_FORMATS, 'expected json, slack or ntfy').default('json'),
    secret: secretOr(text, path).nullable().default(null),
  });
}

/** A receiver as the file has it. */
type GivenTarget = Pick<NotifyTarget, 'on' | 'format'> & {
  readonly url: SecretGiven;
  readonly secret: SecretGiven | null;
};

/** The same with absolute paths of the files that secrets are in. */
export function withAbsoluteFiles<Target extends GivenTarget>(target: Target, start: PathStart): Target {
  const { url, secret } = target;
  return {
    ...target,
    url: withAbsoluteFile(url, start),
    secret: secret === null ? null : withAbsoluteFile(secret, start),
  };
}

function withAbsoluteFile(given: SecretGiven, start: PathStart): SecretGiven {
  if (typeof given === 'string' || given.file === undefined) return given;
  return { ...given, file: absolutePath(given.file, start) };
}

export function toTarget({ url, on, format, secret }: GivenTarget): NotifyTarget {
  return { url: toSecretRef(url), on, format, secret: secret === null ? null : toSecretRef(secret) };
}
