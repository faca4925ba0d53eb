/** Something that rsync would take for something else than its author meant. */
interface Mistake {
  readonly test: RegExp;
  /** What rsync makes of it, and how to write what was meant. */
  explain(text: string): string;
}

const MOST_LINE_BYTES = 4096;

/** Mistakes of a whole line. Of these and of the others the first that matches is reported. */
const LINE_MISTAKES: readonly Mistake[] = [
  { test: /\0/, explain: () => 'it holds a NUL byte: save the file as plain text in UTF-8' },
  {
    test: new RegExp(`^.{${MOST_LINE_BYTES + 1}}`),
    explain: ({ length }) =>
      `it has ${length} bytes, and rsync drops long lines: expected at most ${MOST_LINE_BYTES}`,
  },
  {
    test: /^!$/,
    explain: () => 'it makes rsync forget every pattern above it: delete this line, or those patterns',
  },
  {
    test: /^!/,
    explain: (line) =>
      `rsync does not know gitignore's \`!\`: write \`+ ${afterMark(line)}\` above the pattern that excludes it`,
  },
  { test: /^[-+]$/, explain: (line) => `a pattern is missing after \`${line}\`` },
  {
    test: /^[-+](?! )/,
    explain: (line) =>
      `rsync takes the \`${line[0]}\` for a part of the name: write \`${line[0]} ${afterMark(line)}\`; ${asName(line)}`,
  },
  {
    test: /^(?:include|show|S)(?:,\S*)? /,
    explain: (line) => `here that is written \`+ ${afterWord(line)}\`; ${asName(line)}`,
  },
  {
    test: /^(?:exclude|hide|H)(?:,\S*)? /,
    explain: (line) => `here that is written \`${afterWord(line)}\`; ${asName(line)}`,
  },
  {
    test: /^(?:protect|risk|[PR])(?:,\S*)? /,
    explain: (line) => `that rule is about deletions, and there are none here; ${asName(line)}`,
  },
  {
    test: /^(?:(?:dir-)?merge(?:,\S*)?|\.) |^:/,
    explain: (line) => `other files are not read from here: copy their patterns; ${asName(line)}`,
  },
];

/** Mistakes of a pattern, after `- ` or `+ ` where the line has it. */
const PATTERN_MISTAKES: readonly Mistake[] = [
  {
    test: /^\.\.?\//,
    explain: (pattern) =>
      pattern.startsWith('../')
        ? 'nothing outside the template is cloned: delete the line'
        : `rsync knows no \`./\`: write \`${pattern.slice(1)}\` for what lies at the top of the template`,
  },
  {
    test: /[ \t]#/,
    explain: () => 'a comment needs a line of its own; where `#` is part of a name, write `[#]`',
  },
  {
    test: /^(["']).*\1$/,
    explain: (pattern) => `rsync takes the quotes for a part of the name: write \`${pattern.slice(1, -1)}\``,
  },
  {
    test: /(?<!\[)\{[^{}]*,[^{}]*\}/,
    explain: () => 'rsync does not know braces: write a line for each name; for a `{` in a name, `[{]`',
  },
  {
    test: /\\$/,
    explain: () =>
      'it ends in `\\`: for a directory write `/`, for a blank at the end `[ ]`, for a `\\` `[\\\\]`',
  },
  {
    test: /^[^*?[]*\\[^*?[]*$/,
    explain: () =>
      'without a wildcard rsync takes `\\` for a part of the name: write `- #NAME` or `- !NAME` for such names, `/` between directories, `[\\\\]` for a `\\`',
  },
];

/** Why a line (each byte one character, no blanks around it) cannot be meant as rsync takes it; null where it can. */
export function findMistake(line: string): string | null {
  const pattern = line.replace(/^[-+] /, '');
  return explain(LINE_MISTAKES, line) ?? explain(PATTERN_MISTAKES, pattern);
}

function explain(mistakes: readonly Mistake[], text: string): string | null {
  return mistakes.find(({ test }) => test.test(text))?.explain(text) ?? null;
}

function afterMark(line: string): string {
  return line.slice(1).trim();
}

function afterWord(line: string): string {
  return line.slice(line.indexOf(' ') + 1).trim();
}

function asName(line: string): string {
  return `for that very name write \`- ${line}\``;
}
