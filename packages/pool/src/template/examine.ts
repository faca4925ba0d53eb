import { findLostGit } from './git-file.ts';
import { rawPathAt, textOf } from './key.ts';
import { MOST_TEXT_BYTES, type Notable, type NotableKind } from './notable.ts';
import { createPlace, type Place } from './place.ts';
import { readStart } from './read-start.ts';
import type { Source } from './source.ts';
import type { Survey } from './survey.ts';
import { type TemplateWarning, warnOf } from './warning.ts';

/** A script names its interpreter within so much; long paths are put into the second or third line. */
const HEAD_BYTES = 1024;
const HEAD_LINES = 3;

/**
 * Looks for what ties clones to their template: environments and scripts that name the template's directory, links
 * into it or out of it, and a `.git` that leads to what is not cloned. Reads the beginnings of at most some thousand files;
 * what vanishes meanwhile is passed over. Throws the signal's reason.
 */
export async function examine(
  source: Source,
  surveyed: Survey,
  signal?: AbortSignal,
): Promise<TemplateWarning[]> {
  const place = createPlace(source);
  const { byKind, passedOver } = surveyed.notables;
  const search = async (kind: NotableKind, test: (notable: Notable) => Promise<boolean>) => {
    const found: string[] = [];
    for (const notable of byKind[kind]) {
      signal?.throwIfAborted();
      if (await test(notable)) found.push(textOf(notable.key));
    }
    return found.sort();
  };
  const named = ({ key }: Notable) => isNamedInFile(source.dir, key, place);
  const run = ({ key }: Notable) => isNamedInHead(source.dir, key, place);
  const environment = [
    ...(await search('environment', named)),
    ...(await search('program', run)),
    ...(await search('script', run)),
  ];
  const imports = await search('import', named);
  const links = await search('link', ({ target }) => place.holds(textOf(target)));
  const outward = await search('outward', async () => true);
  const nested = await search('ignore', async () => true);
  const lost = await findLostGit(source, surveyed);
  const warnings = [
    warnOf('ENVIRONMENT_IN_PLACE', environment, sayEnvironment, ADVICE.environment),
    warnOf('IMPORTS_FROM_TEMPLATE', imports, sayImports, ADVICE.imports),
    warnOf('LINKS_INTO_TEMPLATE', links, sayLinks, ADVICE.links),
    warnOf('LINKS_LEAD_OUT', outward, sayOutward, ADVICE.outward),
    warnOf('NESTED_IGNORE', nested, sayNested, ADVICE.nested),
    warnOf('GIT_LEADS_NOWHERE', lost, sayLost, ADVICE.lost),
    passedOver > 0 ? notAll(passedOver) : null,
  ];
  return warnings.filter((warning) => warning !== null);
}

const ADVICE = {
  environment:
    'exclude the environment in .templateignore and make it in each instance by a set-up command, or make it with `uv venv --relocatable`',
  imports:
    'exclude the environment in .templateignore and install in each instance, or install without `-e` (editable)',
  links: 'make them relative (`ln -sr`), or exclude them in .templateignore',
  outward: 'put what they lead to into the template, or exclude them in .templateignore',
  nested: 'move its patterns into the .templateignore at the top',
  lost: 'leave the repository that it belongs to in, or exclude it too',
};

const sayEnvironment = (named: string) =>
  `${named}: they name the template's own directory, so an instance would use and change the template's files instead of its own`;
const sayImports = (named: string) =>
  `${named}: they have Python import from the template's own directory, so an instance would run the template's code`;
const sayLinks = (named: string) =>
  `${named}: absolute links into the template, so an instance would read and change the template's files`;
const sayOutward = (named: string) =>
  `${named}: relative links out of the template, which lead to something else or to nothing in an instance`;
const sayNested = (named: string) => `${named}: only the .templateignore at the top of a template is read`;
const sayLost = (named: string) =>
  `${named}: it leads to a repository that is not cloned, so git fails there in an instance`;

function notAll(count: number): TemplateWarning {
  return {
    code: 'NOT_ALL_EXAMINED',
    found: `there are many scripts and links: ${count} of them were not examined`,
    advice: 'exclude in .templateignore what instances do not need',
    files: [],
    count,
  };
}

async function isNamedInFile(dir: string, key: string, place: Place): Promise<boolean> {
  return place.isNamedIn(await readText(dir, key, MOST_TEXT_BYTES));
}

/** Whether a script's first lines name the place: its interpreter, not its comments or what it does. */
async function isNamedInHead(dir: string, key: string, place: Place): Promise<boolean> {
  const head = await readText(dir, key, HEAD_BYTES);
  if (!head.startsWith('#!')) return false;
  return place.isNamedIn(head.split('\n', HEAD_LINES).join('\n'));
}

/** Empty where it is gone or cannot be read: copying it tells that. */
async function readText(dir: string, key: string, mostBytes: number): Promise<string> {
  return (await readStart(rawPathAt(dir, key), mostBytes))?.toString() ?? '';
}
