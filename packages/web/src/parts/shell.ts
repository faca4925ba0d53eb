/** A word as a POSIX shell reads it as one. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command about the pool that is shown: `main` need not be named. */
export function spica(pool: string | null, ...words: readonly string[]): string {
  const ofPool = pool === null || pool === 'main' ? [] : ['--pool', pool];
  return ['spica', ...words, ...ofPool].map(quote).join(' ');
}
