#!/usr/bin/env node
/**
 * Where the installed command starts. What it loads afterwards comes compiled from the user's cache directory, which
 * halves the time that a command takes; where that cannot be written, nothing is kept.
 */
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** As the package's `engines` says. */
const OLDEST = { major: 22, minor: 15 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
  const oldest = `${OLDEST.major}.${OLDEST.minor}`;
  process.stderr.write(`error: spica needs Node ${oldest} or newer, this is v${process.versions.node}\n`);
  process.exit(2);
}
// In the user's own directory, not in the shared one for temporary files: what lies there is run.
const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
module.enableCompileCache(join(cache, 'spica'));
await import('./main.ts');
