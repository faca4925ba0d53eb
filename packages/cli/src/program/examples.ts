import type { Command as Commander } from 'commander';

/**
 * Lines that may be typed as they stand, by the command's path below `spica`: `--help` and the manual page show them. What
 * stands after `#` says what a line is for.
 */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'spica init                        # make the pool that spica.yaml describes',
    'spica up                          # serve it, until Ctrl-C',
    'spica spawn -n 8 --lease 1h       # eight instances, all or none',
    'spica status                      # how the disk stands, and who waits',
  ],
  up: [
    'spica up',
    'spica up --port 0 --json          # at a free port; the first line says which',
    'REDIS_URL=redis://db:6379 spica up  # with a Redis that several hosts share',
  ],
  serve: ['spica serve --port 3838', 'spica serve --host 0.0.0.0       # for others, once there is a token'],
  open: ['spica open', 'spica open --print                # for a browser elsewhere'],
  init: [
    'spica init',
    'spica init --image 200G           # in an image of its own (root only)',
    'spica init --pool fast --rebind   # this root is the pool from now on',
  ],
  status: ['spica status', "spica status --json | jq -r '.pools[].verdict.sentence'"],
  top: [
    'spica top                         # c, s, a and l sort, / searches, q ends',
    'spica top --sort size --filter lease=none',
    'spica top --json                  # what it shows, once',
  ],
  config: [
    'spica config                      # each setting, and where it comes from',
    'spica config --json',
  ],
  alerts: [
    'spica alerts --output deploy/prometheus/alerts.yml',
    'spica alerts --runbooks https://wiki.example/spica',
  ],
  systemd: [
    'spica systemd                     # print the unit',
    'spica systemd --user --output ~/.config/systemd/user',
  ],
  template: ['spica template', 'spica template trainer            # what of it is cloned, and what is not'],
  doctor: ['spica doctor', 'spica doctor --json'],
  clock: ['spica clock', "spica clock --confirm             # vouch for this host's clock"],
  spawn: [
    'spica spawn                       # one instance of the only template',
    'spica spawn -n 8 -t trainer --experiment lr-sweep --set LR=0.1 --lease 1h',
    'spica spawn --no-wait --key nightly-7  # submit it once, however often this is run',
    'spica spawn --from spica-0123456789ab  # clone an instance, as it is now',
  ],
  run: [
    'spica run -- make test            # in an instance of its own, which goes afterwards',
    'spica run -n 64 -j 8 --score LAST-JSON-LINE --keep best -- python3 train.py',
    'spica run --candidates candidates.csv --resume sweep.jsonl -- ./evaluate.sh',
  ],
  tournaments: ['spica tournaments -n 5', 'spica tournaments t-0123456789ab  # its record'],
  preflight: [
    'spica preflight -n 64 -t trainer  # would it be admitted now, and why',
    'spica preflight --epochs 2 --slices 4 --replicas 8',
  ],
  explain: ['spica explain nightly-7           # why it waits, or what became of it'],
  cancel: ['spica cancel nightly-7'],
  ls: [
    'spica ls --sort size --limit 20',
    'spica ls --search lr-sweep --filter lease=none',
    'spica ls --filter rule=goes       # what the next prune would delete',
    "spica ls --quiet --filter unsaved=yes | xargs spica pin --why 'look at it first'",
  ],
  show: ['spica show spica-0123456789ab', 'spica show nightly-7              # a request'],
  lease: [
    'spica lease spica-0123456789ab --ttl 2h',
    'SPICA_LEASE_TOKEN=0123456789abcdef0123456789abcdef spica lease spica-0123456789ab  # renew it',
  ],
  release: [
    'SPICA_LEASE_TOKEN=0123456789abcdef0123456789abcdef spica release spica-0123456789ab',
    'spica release spica-0123456789ab --force --discard  # nobody needs it any more',
  ],
  pin: ["spica pin spica-0123456789ab --why 'the paper shows it'"],
  unpin: ['spica unpin spica-0123456789ab'],
  score: [
    'spica score spica-0123456789ab 0.93',
    'spica score spica-0123456789ab --clear',
    'spica score spica-0123456789ab -- -1.5  # a negative one',
  ],
  grow: ['spica grow spica-0123456789ab 30G --max-wait 10m'],
  collect: [
    'spica collect spica-0123456789ab',
    "spica collect spica-0123456789ab --pattern 'results/**' --pattern '*.log'",
  ],
  sample: ['spica sample                      # those that are due', 'spica sample spica-0123456789ab'],
  verify: ['spica verify                      # all of them', 'spica verify spica-0123456789ab'],
  prune: [
    'spica prune --dry-run             # the plan, and what decided about each',
    'spica prune --plan 0123456789abcdef  # carry out exactly that plan',
    'spica prune spica-0123456789ab    # just this one',
    'spica prune --offline --dry-run   # when Redis cannot be used',
  ],
  restore: ['spica restore spica-0123456789ab  # out of the trash'],
  reconcile: ['spica reconcile --dry-run         # where disk and catalog differ', 'spica reconcile'],
  image: ['spica image show', 'spica image grow 300G'],
  'image show': ['spica image show --json'],
  'image grow': ['spica image grow 300G'],
  'image check': ['spica image check'],
  'image unmount': ['spica image unmount --pool fast'],
  audit: ['spica audit tail -f', 'spica audit verify'],
  'audit tail': ['spica audit tail -n 100', 'spica audit tail --follow --json  # a line of JSON for each'],
  'audit verify': ['spica audit verify'],
  profile: ['spica profile show', 'spica profile set trainer 1.5GB'],
  'profile show': ['spica profile show trainer', 'spica profile show --experiment lr-sweep'],
  'profile forget': [
    'spica profile forget trainer',
    'spica profile forget trainer --instance spica-0123456789ab  # a runaway',
  ],
  'profile set': ['spica profile set trainer 1.5GB', 'spica profile set trainer --clear'],
  token: ['spica token create --role runner --name ci --expires 30d', 'spica token list'],
  'token create': [
    'spica token create --role runner --name ci --expires 30d',
    'spica token create --role viewer --name dashboard',
  ],
  'token list': ['spica token list'],
  'token revoke': ['spica token revoke ci'],
  notify: ['spica notify test'],
  'notify test': ['spica notify test'],
  complete: [
    'source <(spica complete bash)     # in ~/.bashrc',
    'source <(spica complete zsh)      # in ~/.zshrc, after compinit',
    'spica complete fish > ~/.config/fish/completions/spica.fish',
  ],
  help: ['spica help spawn', 'spica help audit tail'],
};

/** The names by which a command is called, without `spica`. */
export function pathOf(command: Commander): string {
  const names: string[] = [];
  for (let at: Commander | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

/** A command's examples: none only for one that somebody forgot. */
export function examplesOf(command: Commander): readonly string[] {
  const path = pathOf(command);
  // Those of a group have a `help` of their own, which does the same.
  return EXAMPLES[path] ?? (command.name() === 'help' ? [`spica ${path}`] : []);
}

/** Has `--help` of a command, and of all below it, end with examples. */
export function addExamples(command: Commander): void {
  const examples = examplesOf(command);
  if (examples.length > 0)
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
  for (const below of command.commands) addExamples(below);
}
