/** Words of a command line that a shell wants completed: the last one, which may be empty, is the one at the cursor. */
export interface Words {
  readonly words: readonly string[];
  /** The config and the pool that they name. */
  readonly config: string | undefined;
  readonly pool: string | undefined;
}

/** What a shell asks: `complete -- WORD…`, the config perhaps named before it; null for any other command line. */
export function readWords(argv: readonly string[]): Words | null {
  const isNamed = argv[0]?.startsWith('--config=') ?? false;
  const [verb, dashes, ...asked] = isNamed ? argv.slice(1) : argv;
  if (verb !== 'complete' || dashes !== '--') return null;
  // Bash takes `=` for a word: `--pool=ma` comes as three.
  const words = asked.filter((word, i) => !(word === '=' && asked[i - 1]?.startsWith('--')));
  return {
    words,
    config: isNamed ? argv[0]?.slice('--config='.length) : givenTo('--config', words),
    pool: givenTo('--pool', words),
  };
}

/** Of an option before the cursor. */
function givenTo(option: string, words: readonly string[]): string | undefined {
  const before = words.slice(0, -1);
  const at = before.lastIndexOf(option);
  if (at >= 0 && at + 1 < before.length) return before[at + 1];
  return before.findLast((word) => word.startsWith(`${option}=`))?.slice(option.length + 1);
}
