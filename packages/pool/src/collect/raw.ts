/**
 * Names as text, each of them another one: a name that is no UTF-8 has a lone surrogate for each byte from 0x80 on, which
 * no other name has.
 */
export function textOfName(name: Buffer): string {
  const text = name.toString();
  if (Buffer.from(text).equals(name)) return text;
  return [...name].map((byte) => String.fromCharCode(byte < 0x80 ? byte : SURROGATES + byte)).join('');
}

/** What the system calls a path of such names. */
export function rawPath(path: string): string | Buffer {
  if (path.isWellFormed()) return path;
  return Buffer.concat([...path].map((char) => (char.isWellFormed() ? Buffer.from(char) : byteOf(char))));
}

const SURROGATES = 0xdc00;

function byteOf(char: string): Buffer {
  return Buffer.of(char.charCodeAt(0) - SURROGATES);
}
