import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A template of `files` files of equal size in directories of 100, holding `bytes` in all, and a filtered `.venv`. */
export async function makeTemplate(
  dir: string,
  { files, bytes }: { files: number; bytes: number },
): Promise<void> {
  await mkdir(join(dir, '.venv'), { recursive: true });
  await writeFile(join(dir, 'VERSION'), '1.0.0\n');
  await writeFile(join(dir, '.templateignore'), '.venv/\n');
  await writeFile(join(dir, '.venv', 'ignored'), 'not cloned\n');
  if (files === 0) return;
  // Not zeros: some filesystems would store nothing for them.
  const content = Buffer.from(
    Array.from({ length: Math.ceil(bytes / files) }, (_, i) => (i * 131 + (i >> 8)) % 251),
  );
  for (let start = 0; start < files; start += 100) {
    const folder = join(dir, `part-${start / 100}`);
    await mkdir(folder, { recursive: true });
    const names = Array.from({ length: Math.min(100, files - start) }, (_, i) => `file-${i}.bin`);
    await Promise.all(names.map((name) => writeFile(join(folder, name), content)));
  }
}
