import { createHash } from 'node:crypto';
import { isInstanceId } from '../instance/id.ts';

/** How what was collected of an instance is kept: files in a directory, or one archive. */
export type CollectAs = 'directory' | 'tar.zst';

/** Most filesystems allow 255 bytes. */
const MOST_LENGTH = 200;

/**
 * Where below `collect_to` an instance's results go, as the parts of a path: `<experiment>/<id>`, or `<id>` for one of no
 * experiment. Whatever an experiment is called, its directory is one name that leads nowhere else: what is not a letter,
 * digit, `.`, `_` or `-` becomes `%` and hexadecimal digits, so do a dot in front and what would be taken for an instance.
 */
export function collectPlace(experiment: string | null, id: string): readonly string[] {
  return experiment === null ? [id] : [directoryName(experiment), id];
}

function directoryName(experiment: string): string {
  const isReserved = experiment.startsWith('.') || isInstanceId(experiment);
  const encoded = [...Buffer.from(experiment)].map((byte, at) => {
    const char = String.fromCharCode(byte);
    const isPlain = /[A-Za-z0-9._-]/.test(char) && !(at === 0 && isReserved);
    return isPlain ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });
  const name = encoded.join('');
  if (name.length <= MOST_LENGTH) return name;
  return `${name.slice(0, MOST_LENGTH)}-${createHash('sha256').update(experiment).digest('hex').slice(0, 16)}`;
}
