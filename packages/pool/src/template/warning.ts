/** Something that lets a template be cloned, and that its author probably did not mean. */
export interface TemplateWarning {
  /** Stable: scripts may rely on it. */
  readonly code:
    | 'ENVIRONMENT_IN_PLACE'
    | 'IMPORTS_FROM_TEMPLATE'
    | 'LINKS_INTO_TEMPLATE'
    | 'LINKS_LEAD_OUT'
    | 'NESTED_IGNORE'
    | 'GIT_LEADS_NOWHERE'
    | 'NOT_ALL_EXAMINED';
  /** What was found. */
  readonly found: string;
  /** What to do about it. */
  readonly advice: string;
  /** The first of the files that it is about, relative to the template. */
  readonly files: readonly string[];
  /** How many there are. */
  readonly count: number;
}

const MOST_FILES = 3;
const MOST_LISTED = 20;

/** What a warning about files says: `found` with the first of them in it. Null where there are none. */
export function warnOf(
  code: TemplateWarning['code'],
  files: readonly string[],
  found: (named: string) => string,
  advice: string,
): TemplateWarning | null {
  if (files.length === 0) return null;
  const more = files.length - MOST_FILES;
  const named = files.slice(0, MOST_FILES).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return { code, found: found(named), advice, files: files.slice(0, MOST_LISTED), count: files.length };
}
