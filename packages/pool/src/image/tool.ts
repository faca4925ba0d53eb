import { CheckError } from '@spica/core';
import { execa } from 'execa';

/** Administrators' programs are not on every PATH. */
const ENV = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };

/** The Debian package that brings a program. */
const PACKAGES: Readonly<Record<string, string>> = {
  'mkfs.btrfs': 'btrfs-progs',
  btrfs: 'btrfs-progs',
  losetup: 'mount',
  mount: 'mount',
  umount: 'mount',
  fallocate: 'util-linux',
  fstrim: 'util-linux',
};

/** How a program ended, and what it printed. */
export interface ToolResult {
  readonly failed: boolean;
  readonly stdout: string;
  /** What it complained of, in one line. */
  readonly complaint: string;
}

/** Runs a program of the operating system's, without a shell; after `timeout` ms it is ended. Throws CheckError TOOL_MISSING with the package it is in. */
export async function tryTool(
  program: string,
  args: readonly string[],
  { timeout = 0 } = {},
): Promise<ToolResult> {
  const result = await execa(program, args, { env: ENV, stdin: 'ignore', reject: false, timeout });
  if (result.code === 'ENOENT') {
    throw new CheckError(
      'TOOL_MISSING',
      `${program} is missing: install the package ${PACKAGES[program] ?? program} (Debian, Ubuntu)`,
      { program },
    );
  }
  const lines = result.stderr.split('\n').filter((line) => line.trim() !== '');
  const complaint = lines.at(-1)?.trim() ?? result.shortMessage ?? `${program} failed`;
  return { failed: result.failed, stdout: result.stdout, complaint };
}

/** As `tryTool`; resolves with what it printed. Throws CheckError IMAGE_FAILED with `what` and its complaint too. */
export async function runTool(what: string, program: string, args: readonly string[]): Promise<string> {
  const { failed, stdout, complaint } = await tryTool(program, args);
  if (!failed) return stdout;
  throw new CheckError('IMAGE_FAILED', `${what}: ${complaint}`, { program });
}
