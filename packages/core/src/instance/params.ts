import { UsageError } from '../errors.ts';
import { envValueOf } from './env-value.ts';
import type { Param } from './record.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What would end a line of `.env.spica`, for one reader of such files or another. */
const LINE_BREAK = /[\n\r\0]/;
/** Longest name and value, in characters: every spawn job of a request carries its parameters. */
const MOST_NAME = 200;
const MOST_VALUE = 10_000;
const MOST_PARAMS = 1_000;

/**
 * Checks template parameters, which become lines `NAME=value` of `.env.spica` and stand in the manifest. A value that its
 * readers would not all read alike is refused, whether or not the template has that file. Throws
 * UsageError PARAM_INVALID that names the parameter, the value and what was expected.
 */
export function validateParams(params: Readonly<Record<string, Param>>): void {
  const all = Object.entries(params);
  if (all.length > MOST_PARAMS) refuse('params', `at most ${MOST_PARAMS} parameters`, all.length);
  for (const [name, value] of all) {
    if (!NAME.test(name)) {
      refuse('params', 'a name of letters, digits and underscores that starts with no digit', name);
    }
    if (name.length > MOST_NAME) refuse('params', `a name of at most ${MOST_NAME} characters`, name);
    if (typeof value === 'number' && !Number.isFinite(value)) refuse(name, 'a number', String(value));
    if (typeof value !== 'string') continue;
    if (LINE_BREAK.test(value)) refuse(name, 'a value without line breaks', value);
    if (value.length > MOST_VALUE) {
      refuse(name, `at most ${MOST_VALUE} characters`, `${value.length} of them`);
    }
    if (!value.isWellFormed()) refuse(name, 'a value of whole characters (Unicode)', value);
    const written = envValueOf(value);
    if (typeof written !== 'string') refuse(name, written.expected, value);
  }
}

function refuse(field: string, expected: string, got: string | number): never {
  const where = field === 'params' ? field : `params.${field}`;
  const text = JSON.stringify(got);
  const quoted = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new UsageError('PARAM_INVALID', `${where}: expected ${expected}, got ${quoted}`, { field: where });
}
