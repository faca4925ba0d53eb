import { describeProfile, formatBytes } from '@spica/core';
import type { ShownProfile } from '../commands/profile-show.ts';
import type { Output } from '../io.ts';
import { type Column, writeFields, writeRows } from './write.ts';

/** On a terminal a paragraph for each; when piped a line for each. */
export function writeProfiles(stdout: Output, shown: readonly ShownProfile[]): void {
  if (!stdout.isTTY) {
    writeRows(stdout, COLUMNS, shown);
    return;
  }
  for (const [index, { of, profile, set, largest }] of shown.entries()) {
    if (index > 0) stdout.write('\n');
    writeFields(stdout, [
      ['profile', of],
      ['set', set && `${formatBytes(set.bytes)} by ${set.by}: that counts, whatever was measured`],
      ['measured', profile ? describeProfile(profile) : 'nothing: no instance has finished yet'],
      ['largest', largest.map(({ id, bytes }) => `${id} (${formatBytes(bytes)})`).join(', ') || null],
    ]);
  }
}

const figure = (title: string, of: (profile: ShownProfile) => number | undefined): Column<ShownProfile> => ({
  title,
  text: (shown) => String(of(shown) ?? ''),
  align: 'right',
});

const COLUMNS: readonly Column<ShownProfile>[] = [
  { title: 'of', text: ({ of }) => of },
  figure('finished', ({ profile }) => profile?.n),
  figure('p50', ({ profile }) => profile?.bytes.p50),
  figure('p95', ({ profile }) => profile?.bytes.p95),
  figure('most', ({ profile }) => profile?.bytes.max),
  figure('set', ({ set }) => set?.bytes),
  { title: 'largest', text: ({ largest }) => largest[0]?.id ?? '' },
];
