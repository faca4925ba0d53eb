import type { Add } from './add.ts';

/** Commands about who may use the HTTP API. */
export function addTokenCommands(add: Add): void {
  add('create', 'make a token, and print it this once', async () => {
    return (await import('../commands/token-create.ts')).tokenCreate;
  })
    .requiredOption('--role <role>', 'viewer (reads), runner (and what is its own), operator (everything)')
    .option('--name <name>', "whose it is: what is submitted with it is this name's (default: the role)")
    .option('--expires <duration>', 'after how long it lets nobody in, like 30d (default: never)');
  add('list', 'tokens, what they may do, and when they were last used', async () => {
    return (await import('../commands/token-list.ts')).tokenList;
  });
  add('revoke', 'let nobody in with a token any more', async () => {
    return (await import('../commands/token-revoke.ts')).tokenRevoke;
  }).argument('<name>');
}
