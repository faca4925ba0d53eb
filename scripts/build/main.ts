/**
 * Makes the operator's page (packages/web/dist), `dist/spica`, the command as a package that npm can pack and install, with
 * the page in `web`, and `dist/client`, what runners import as a package of its own. The set-up calls it where one of them
 * is missing or older than the sources (scripts/setup/bundle.sh); `npm run build` packs what it made.
 */
import { copyFile, cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { manPage } from '../../packages/cli/src/program/man.ts';
import { bundle, CLIENT, COMMAND, EXTERNAL } from './bundle.ts';
import { copyExternals } from './externals.ts';
import { collectLicenses } from './licenses.ts';
import { MAN_PAGE, makeClientManifest, makeManifest } from './manifest.ts';
import { buildPage } from './page.ts';
import { CLIENT_TYPES, TESTING_TYPES, writeTypes } from './types.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');

interface Package {
  readonly name: string;
  readonly entries: Readonly<Record<string, string>>;
  readonly types: readonly string[];
  /** What a package says of itself, besides its manifest. */
  readonly texts: readonly string[];
  /** Manual pages, by their paths in the package. */
  readonly manuals?: Readonly<Record<string, string>>;
  /** The built page, for what serves it: the directory, and those of the packages whose code it holds. */
  readonly page?: { readonly out: string; readonly packages: readonly string[] };
  readonly manifest: object;
}

/** Makes a package beside the old one and renames it, so that a build that fails leaves the old one as it was. */
async function make({ name, entries, types, texts, manuals = {}, page, manifest }: Package): Promise<void> {
  const draft = join(DIST, `.${name}-draft`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const [bundled] = await Promise.all([bundle(ROOT, draft, entries), writeTypes(ROOT, draft, types)]);
  for (const text of texts) await copyFile(join(ROOT, text), join(draft, text));
  for (const [path, text] of Object.entries(manuals)) {
    await mkdir(dirname(join(draft, path)), { recursive: true });
    await writeFile(join(draft, path), text);
  }
  if (page) await cp(page.out, join(draft, 'web'), { recursive: true });
  const licensed = [...new Set([...bundled, ...(page?.packages ?? [])])];
  await writeFile(join(draft, 'THIRD-PARTY-LICENSES.md'), await collectLicenses(licensed));
  await writeFile(join(draft, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  if ('dependencies' in manifest) await copyExternals(ROOT, draft);
  await rm(join(DIST, name), { recursive: true, force: true });
  await rename(draft, join(DIST, name));
}

await make({
  name: 'spica',
  entries: COMMAND,
  types: [CLIENT_TYPES],
  texts: ['README.md', 'CHANGELOG.md', 'LICENSE'],
  manuals: { [MAN_PAGE]: manPage() },
  page: await buildPage(ROOT),
  manifest: await makeManifest(ROOT, EXTERNAL),
});
await make({
  name: 'client',
  entries: CLIENT,
  types: [CLIENT_TYPES, TESTING_TYPES],
  texts: ['LICENSE'],
  manifest: await makeClientManifest(ROOT),
});
