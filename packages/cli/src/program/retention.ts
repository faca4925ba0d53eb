import type { Add } from './add.ts';

/** Commands that delete by policy, bring back, and compare the disk with the catalog. */
export function addRetentionCommands(add: Add): void {
  add('prune', 'apply the retention policy now, or delete just the instances that are named', async () => {
    return (await import('../commands/prune.ts')).prune;
  })
    .argument('[id...]', 'delete just these, whatever the policy says, unless something protects them')
    .option('--dry-run', 'print the plan, with what decided about each instance, and touch nothing')
    .option('--max-instances <n>', 'keep at most so many, for this run')
    .option('--max-age-days <days>', 'keep none older, for this run')
    .option('--plan <digest>', 'carry out exactly the plan that a dry run printed within the last hour')
    .option('--yes', 'do not ask, even if nothing would be left')
    .option('--offline', 'without Redis, from the records on disk, when it cannot be used')
    .option('--confirm-clock', "with --offline: vouch for this host's clock");
  add('restore', 'bring instances back from the trash', async () => {
    return (await import('../commands/restore.ts')).restore;
  }).argument('<id...>');
  add('reconcile', 'bring the catalog into line with the disk', async () => {
    return (await import('../commands/reconcile.ts')).reconcile;
  })
    .option('--dry-run', 'print where they differ and change nothing')
    .option('--end-grace', 'end the time for which nothing is deleted after Redis was lost');
}

/** Commands about the audit log. */
export function addAuditCommands(add: Add): void {
  add('tail', 'its last entries', async () => (await import('../commands/audit-tail.ts')).auditTail)
    .option('-n, --lines <n>', 'how many', '20')
    .option('-f, --follow', 'print further entries as they are written, until Ctrl-C');
  add('verify', 'whether a line of it was changed, removed or moved, and where', async () => {
    return (await import('../commands/audit-verify.ts')).auditVerify;
  });
}
