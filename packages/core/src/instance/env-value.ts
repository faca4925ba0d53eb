import type { Param } from './record.ts';

/** What means the same without quotes to everything that reads such a file. */
const PLAIN = /^[A-Za-z0-9_.,:/@%+=-]*$/;
/** A reader may take two backslashes for one, and one at the end for part of the quote. */
const UNCLEAR_BACKSLASH = /\\\\|\\$/;
/** Within double quotes these mean something to a shell. */
const SPECIAL_IN_DOUBLE_QUOTES = /["$`\\]/;
/** python-dotenv puts a variable's value here, whatever the quotes. */
const VARIABLE = /\$\{[^}]*\}/;

/**
 * A parameter's value as it stands after `NAME=` in `.env.spica`, so that `sh`, the npm package `dotenv` and
 * `python-dotenv` read the same text back: as it is, or in quotes where it needs them. Where no way of writing it is
 * read alike by all three, an object that says what stands in the way: "expected a value …".
 */
export function envValueOf(value: Param): string | { readonly expected: string } {
  const text = String(value);
  if (PLAIN.test(text)) return text;
  if (VARIABLE.test(text)) return { expected: `a value without \${…}, which python-dotenv replaces` };
  if (!text.includes("'")) {
    return UNCLEAR_BACKSLASH.test(text)
      ? { expected: 'a value with neither two backslashes in a row nor one at its end' }
      : `'${text}'`;
  }
  return SPECIAL_IN_DOUBLE_QUOTES.test(text)
    ? { expected: `a value that does not have both a ' and one of " $ \` \\, which no quotes hold` }
    : `"${text}"`;
}
