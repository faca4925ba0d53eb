/** A value as systemd takes it: `%` begins a specifier. Source: systemd.unit(5). */
export function quoteValue(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A word of a list: in quotes where it holds what would end it. Source: systemd.syntax(7), "Quoting". */
export function quotePath(text: string): string {
  const value = quoteValue(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return /[\s"'\\;]/.test(text) ? `"${value}"` : value;
}

/** An argument of a command: `$` begins a variable. Source: systemd.service(5), "Command lines". */
export function quoteArgument(text: string): string {
  return quotePath(text).replaceAll('$', '$$$$');
}
