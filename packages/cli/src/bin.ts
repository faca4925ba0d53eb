#!/usr/bin/env node
/**
 * Where the installed command starts. What it loads afterwards comes compiled from the user's cache directory, which
 * halves the time that a command takes; where that cannot be written, nothing is kept.
 */
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const OLDEST = 22;

if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  process.stderr.write(`error: spica needs Node ${OLDEST} or newer, this is ${process.version}\n`);
  process.exit(2);
}
// In the user's own directory, not in the shared one for temporary files: what lies there is run.
const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
module.enableCompileCache(join(cache, 'spica'));
await import('./main.ts');
