import type { Command as Commander } from 'commander';
import type { Add } from './add.ts';

/** Commands about what instances become, which the next requests are decided by. */
export function addProfileCommands(add: Add): void {
  ofTarget(
    add('show', 'what instances of a template became', async () => {
      return (await import('../commands/profile-show.ts')).profileShow;
    }),
  );
  ofTarget(
    add('forget', 'forget what instances became, or one of them, for good', async () => {
      return (await import('../commands/profile-forget.ts')).profileForget;
    }),
  )
    .option('--instance <id>', 'that one alone: a runaway')
    .option('--by <name>', 'who has it forgotten (default: user@host)');
  ofTarget(
    add('set', 'say what instances become, whatever was measured', async () => {
      return (await import('../commands/profile-set.ts')).profileSet;
    }),
  )
    .argument('[size]', 'of each, like 1.5GB or 300MB; in GB without a unit')
    .option('--clear', 'have it measured again')
    .option('--by <name>', 'who says so (default: user@host)');
}

function ofTarget(command: Commander): Commander {
  return command
    .argument('[template]', 'whose instances')
    .option('--experiment <name>', "an experiment's instead of a template's");
}
