/** What the library of completions prints, which it does to the console alone. */
export function printed(work: () => void): string {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line) => lines.push(String(line));
  try {
    work();
  } finally {
    console.log = log;
  }
  return lines.map((line) => `${line}\n`).join('');
}
