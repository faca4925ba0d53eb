import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Argv, nullIfMissing } from '@spica/core';
import * as z from 'zod';
import { bootId } from '../claim/identity.ts';
import { jsonFile } from '../json-file.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { deleteCopied } from './copied.ts';
import type { Scope } from './fingerprint.ts';
import type { Prepared } from './prepared.ts';

/** What a snapshot is made as. */
export type SnapshotKind = 'subvolume' | 'directory';

const SUFFIX = '.json';

/** What is known of a prepared snapshot, kept beside it so that a new process finds it. */
const sidecarSchema = z.strictObject({
  schema: z.literal('spica.template/v1'),
  template: z.string(),
  fingerprint: z.string(),
  version: z.string(),
  origin_commit: z.string(),
  template_ref: z.string(),
  allocated_bytes: z.number(),
  inodes: z.number(),
  /** Missing where it is the fingerprint. */
  seen_as: z.string().optional(),
  prepared_at: z.iso.datetime(),
  boot: z.string().nullable(),
  /** Keys (walk.ts) here and below: each byte of a path is one character. */
  division: z.strictObject({ shared: z.array(z.string()), groups: z.array(z.array(z.string())) }).nullable(),
  /** Missing where no command prepared it. */
  prepare: z.tuple([z.string()], z.string()).optional(),
  parts: z.array(z.strictObject({ directories: z.array(z.string()), left_out: z.array(z.string()) })),
});

/** It names each directory of a template, of which there may be millions. */
const sidecarFile = jsonFile({
  schema: sidecarSchema,
  code: 'SIDECAR_INVALID',
  is: "a snapshot's sidecar",
  mostBytes: Number.POSITIVE_INFINITY,
});

/** A prepared snapshot, and what has to be looked at to tell whether it is still current. */
export interface Stored {
  readonly prepared: Prepared;
  /**
   * The template's fingerprint when it was last found to be what the snapshot holds: the snapshot's own, unless it was
   * compared since (recheck.ts).
   */
  readonly seenAs: string;
  readonly scope: Scope;
  /** The command that prepared it, which may have put anything into it; null for none. */
  readonly prepare: Argv | null;
  /** Epoch milliseconds. */
  readonly preparedAt: number;
  /** The boot that it was made in, until its content is known to be on the disk: a power cut may empty it. Then null. */
  readonly boot: string | null;
}

/** Where a snapshot of this fingerprint lies. */
export function snapshotPath(dir: string, template: string, fingerprint: string): string {
  return join(dir, `${template}-${fingerprint.slice(0, 16)}`);
}

/** Makes a snapshot one that is found, or says anew what is known of it. */
export async function writeSidecar({
  prepared,
  seenAs,
  scope,
  prepare,
  preparedAt,
  boot,
}: Stored): Promise<void> {
  await sidecarFile.save(`${prepared.path}${SUFFIX}`, {
    schema: 'spica.template/v1',
    template: prepared.template,
    fingerprint: prepared.fingerprint,
    version: prepared.version,
    origin_commit: prepared.originCommit,
    template_ref: prepared.templateRef,
    allocated_bytes: prepared.allocatedBytes,
    inodes: prepared.inodes,
    ...(seenAs === prepared.fingerprint ? {} : { seen_as: seenAs }),
    prepared_at: new Date(preparedAt).toISOString(),
    boot,
    division: prepared.division && {
      shared: [...prepared.division.shared],
      groups: prepared.division.groups.map((group) => [...group]),
    },
    ...(prepare === null ? {} : { prepare: [...prepare] as [string, ...string[]] }),
    parts: scope.map(({ directories, leftOut }) => ({
      directories: [...directories],
      left_out: [...leftOut],
    })),
  });
}

/**
 * The snapshots that are there and whole, oldest first. What a crash or another version left is passed over, and what was
 * not on the disk for certain when the system went down.
 */
export async function listStored(dir: string): Promise<Stored[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith(SUFFIX));
  const all = await Promise.all(names.map((name) => readStored(join(dir, name.slice(0, -SUFFIX.length)))));
  return all.filter((each) => each !== null).sort((a, b) => a.preparedAt - b.preparedAt);
}

async function readStored(path: string): Promise<Stored | null> {
  const data = await sidecarFile.loadIfValid(`${path}${SUFFIX}`);
  if (data === null || !(await isDirectory(path))) return null;
  if (data.boot !== null && data.boot !== (await bootId())) return null;
  return {
    prepared: {
      template: data.template,
      fingerprint: data.fingerprint,
      path,
      version: data.version,
      originCommit: data.origin_commit,
      templateRef: data.template_ref,
      allocatedBytes: data.allocated_bytes,
      inodes: data.inodes,
      division: data.division,
    },
    seenAs: data.seen_as ?? data.fingerprint,
    scope: data.parts.map(({ directories, left_out }) => ({ directories, leftOut: new Set(left_out) })),
    prepare: data.prepare ?? null,
    preparedAt: Date.parse(data.prepared_at),
    boot: data.boot,
  };
}

/**
 * Deletes a snapshot. It is renamed before: what is only half there is not to be taken for it. A snapshot without its
 * sidecar is not found, and swept the next time. Throws what `removeTree` throws.
 */
export async function deleteStored(path: string): Promise<void> {
  await rm(`${path}${SUFFIX}`, { force: true });
  await deleteCopied(path);
  const deleting = join(dirname(path), `${randomBytes(8).toString('hex')}.deleting`);
  await nullIfMissing(rename(path, deleting));
  await removeTree(deleting);
}

export async function isDirectory(path: string): Promise<boolean> {
  return (await nullIfMissing(stat(path)))?.isDirectory() ?? false;
}
