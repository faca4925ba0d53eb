/**
 * Makes `dist/spica`: the command as a package that npm can pack and install. The set-up calls it where `dist` is
 * missing or older than the sources (scripts/setup/bundle.sh); `npm run build` packs what it made.
 */
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, EXTERNAL } from './bundle.ts';
import { collectLicenses } from './licenses.ts';
import { linkExternals } from './links.ts';
import { makeManifest } from './manifest.ts';
import { writeTypes } from './types.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
const TARGET = join(DIST, 'spica');

/** What a package says of itself, besides its manifest. */
const TEXTS = ['README.md', 'CHANGELOG.md', 'LICENSE'];

// Made beside the old one and renamed, so that a build that fails leaves the old one as it was.
const draft = join(DIST, '.spica-draft');
await rm(draft, { recursive: true, force: true });
await mkdir(draft, { recursive: true });
const [bundled] = await Promise.all([bundle(ROOT, draft), writeTypes(ROOT, draft)]);
for (const name of TEXTS) await copyFile(join(ROOT, name), join(draft, name));
await writeFile(join(draft, 'THIRD-PARTY-LICENSES.md'), await collectLicenses(bundled));
const manifest = await makeManifest(ROOT, EXTERNAL);
await writeFile(join(draft, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await linkExternals(ROOT, draft);
await rm(TARGET, { recursive: true, force: true });
await rename(draft, TARGET);
