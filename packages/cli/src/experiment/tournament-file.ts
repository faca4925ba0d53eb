import { readFile } from 'node:fs/promises';
import { reasonOf, UsageError } from '@spica/core';
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import { checkCandidates, type Params } from './candidates.ts';

const count = z.int().min(1).default(1);

const text = 'expected a text of 1 to 200 characters';

const fileSchema = z.strictObject({
  suite_id: z.string(text).min(1, text).max(200, text),
  qtime: z.strictObject({ epochs: count, slices_per_epoch: count, replicas_per_slice: count }).prefault({}),
  /** What the record says of how the replicas are run: whoever wrote the file sees to it. */
  isolation: z
    .strictObject({ cpu_affinity: z.boolean().default(false), network_egress: z.boolean().default(true) })
    .prefault({}),
  candidates: z.unknown().optional(),
});

/** A tournament as a file describes it. */
export type TournamentFile = Omit<z.output<typeof fileSchema>, 'candidates'> & {
  /** Null where they are given in another way. */
  readonly candidates: readonly Params[] | null;
};

/** Reads a tournament from YAML or JSON. Throws UsageError TOURNAMENT_INVALID that names the file, the field and what was expected. */
export async function readTournamentFile(path: string): Promise<TournamentFile> {
  const fail = (why: string) => new UsageError('TOURNAMENT_INVALID', `--tournament: ${path}: ${why}`);
  let content: unknown;
  try {
    content = parseYaml(await readFile(path, 'utf8'));
  } catch (error) {
    throw fail(reasonOf(error));
  }
  const { data, error } = fileSchema.safeParse(content, { reportInput: true });
  if (!data) {
    const [issue] = error.issues;
    const where = issue?.path.length ? `${issue.path.map(String).join('.')}: ` : '';
    throw fail(`${where}${issue?.message}`);
  }
  const { candidates, ...rest } = data;
  return { ...rest, candidates: candidates === undefined ? null : checkCandidates(candidates, fail) };
}
