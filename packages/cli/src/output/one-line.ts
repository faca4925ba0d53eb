/** What others wrote (a reason, a label) must not break a row, nor reach the terminal as a control sequence. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
