/** A count with its noun, for a sentence: `1 day`, `2 days`. `many`: the plural where it is not the noun with an s. */
export function countOf(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}
