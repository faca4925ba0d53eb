import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A small template: VERSION, `.env.spica`, a filtered `.venv/`, and `files` files of `bytes` each. */
export async function makeTemplate(dir: string, { files = 5, bytes = 1000 } = {}): Promise<string> {
  await mkdir(join(dir, '.venv'), { recursive: true });
  await mkdir(join(dir, 'data'));
  await writeFile(join(dir, 'VERSION'), '1.0.0\n');
  await writeFile(join(dir, '.templateignore'), '.venv/\n');
  await writeFile(join(dir, '.venv', 'python'), 'not cloned\n');
  await writeFile(join(dir, '.env.spica'), 'MODEL=baseline\n');
  const content = Buffer.alloc(bytes, 'x');
  for (let i = 0; i < files; i += 1) await writeFile(join(dir, 'data', `file-${i}`), content);
  return dir;
}
