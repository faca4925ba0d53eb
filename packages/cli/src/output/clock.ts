/** Whether rules of age are in force, or why they are suspended and how to have them back. */
export function sayClock(suspended: string | null): string {
  return suspended !== null
    ? `suspended: ${suspended}; when it is right, \`spica clock --confirm\``
    : 'in force';
}
