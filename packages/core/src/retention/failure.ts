import * as z from 'zod';

const count = z.int().min(0);

/** Why something could not be deleted, and how often that was tried. */
export const failureSchema = z.strictObject({
  /** What the deletion said, with its code. */
  cause: z.string(),
  /** When it was first tried, and last, epoch milliseconds. */
  since: count,
  at: count,
  tries: z.int().min(1),
});
export type Failure = z.infer<typeof failureSchema>;

const FIRST_MS = 60_000;
const MOST_MS = 3_600_000;

/** A failure after another try: `isNews` where nobody has been told of this cause yet. */
export function failAgain(
  before: Failure | null,
  cause: string,
  now: number,
): { readonly failure: Failure; readonly isNews: boolean } {
  const tries = (before?.tries ?? 0) + 1;
  const failure = { cause, since: Math.min(before?.since ?? now, now), at: now, tries };
  return { failure, isNews: before?.cause !== cause };
}

/** Before when it is not tried again, unless somebody asks for it: a minute, then twice as long each time, up to an hour. */
export function backOffUntil({ at, tries }: Pick<Failure, 'at' | 'tries'>): number {
  return at + Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
}

/** What helps, by what the programs that delete complain of. */
const HELP: readonly (readonly [RegExp, string])[] = [
  [/mounted in it|resource busy|MOUNT_INSIDE/i, 'unmount what is mounted in it (`findmnt`)'],
  [/read-only file system|EROFS/i, 'its filesystem is read-only: see the kernel log, then mount it anew'],
  [
    /operation not permitted|EPERM/i,
    'a file is immutable or append-only (`lsattr -R`; as root `chattr -R -i -a`), or belongs to somebody else (`chown -R`)',
  ],
  [
    /permission denied|EACCES/i,
    'it belongs to somebody else: delete it as its owner or as root, or `chown -R`',
  ],
  [
    /input\/output error|i\/o error|EIO/i,
    'the disk has errors: see the kernel log, and check the filesystem',
  ],
];

/** What to do about something that cannot be deleted, by the cause. `spica prune` then tries at once. */
export function helpWithFailure({ cause }: Pick<Failure, 'cause'>): string {
  const found = HELP.find(([pattern]) => pattern.test(cause));
  return `${found?.[1] ?? 'find out what keeps it, and take that away'}; then \`spica prune\` tries again at once`;
}
