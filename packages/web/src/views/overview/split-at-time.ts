const TIME = /(?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC/;

/** What of a sentence stands before and after the first time (UTC) that it names; null after it where it names none. */
export function splitAtTime(sentence: string): readonly [before: string, after: string | null] {
  const found = TIME.exec(sentence);
  if (!found) return [sentence, null];
  return [sentence.slice(0, found.index), sentence.slice(found.index + found[0].length)];
}
