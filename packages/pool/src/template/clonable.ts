import { join } from 'node:path';
import { lineageFile, manifestFile, OWN_NAMES } from '../manifest/manifest.ts';
import { checkGitFiles } from './git-file.ts';
import { refuse, type Source } from './source.ts';
import { type Survey, survey } from './survey.ts';

/**
 * Surveys a template (`survey`) and refuses it where its clones would not be what their author means. Throws RefusedError
 * TEMPLATE_EMPTY, TEMPLATE_GIT_FILE, TEMPLATE_OWN_NAME, and what `survey` throws.
 */
export async function surveyClonable(
  source: Source,
  signal?: AbortSignal,
  onCounted?: (key: string, bytes: number) => void,
): Promise<Survey> {
  const surveyed = await survey(source, signal, onCounted);
  checkNotEmpty(source.name, surveyed.included);
  await checkGitFiles(source, surveyed);
  await checkOwnNames(source, surveyed.included);
  return surveyed;
}

/** Refuses a template of which nothing but its own directory would be cloned. */
function checkNotEmpty(name: string, { size }: ReadonlySet<string>): void {
  if (size <= 1) throw refuse(name, 'TEMPLATE_EMPTY', '.templateignore leaves nothing of it');
}

/**
 * Refuses a template that has something of its own under a name that Spica writes in every instance. What Spica wrote
 * there itself is no loss: the template was an instance once.
 */
async function checkOwnNames({ name, dir }: Source, included: ReadonlySet<string>): Promise<void> {
  const files = { [OWN_NAMES.manifest]: manifestFile, [OWN_NAMES.lineage]: lineageFile };
  for (const [own, file] of Object.entries(files)) {
    const isCloned = included.has(own) || included.has(`${own}/`);
    if (!isCloned || (await file.loadIfValid(join(dir, own))) !== null) continue;
    throw refuse(
      name,
      'TEMPLATE_OWN_NAME',
      `${own} would be lost in every instance, where Spica writes a file of its own under that name: move it into a ` +
        `directory, or exclude it (\`/${own}\` in .templateignore)`,
    );
  }
}
