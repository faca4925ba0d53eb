import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The licences of the packages whose code the bundle holds, one section each: they ask that their text goes along.
 *
 * @param dirs Directories of the packages.
 */
export async function collectLicenses(dirs: readonly string[]): Promise<string> {
  const sections = await Promise.all(dirs.map(sectionOf));
  return `# Licences of the software in this package\n\n${sections.sort().join('\n')}`;
}

async function sectionOf(dir: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'));
  const file = (await readdir(dir)).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : `\n${(await readFile(join(dir, file), 'utf8')).trim()}\n`;
  return `## ${name} ${version} (${license})\n${text}`;
}
