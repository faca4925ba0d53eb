import { quoteArgument, quotePath, quoteValue } from './quote.ts';

/** What a unit is made of. */
export interface UnitFacts {
  readonly description: string;
  /** The program and its arguments, by absolute path. */
  readonly command: readonly string[];
  /** Absolute; null where no path of the config depends on it. */
  readonly workingDirectory: string | null;
  /** Variables that the config in force took over. */
  readonly environment: Readonly<Record<string, string>>;
  /** A file of further ones, for what others may not read; it need not be there. */
  readonly environmentFile: string;
  /** Its state directory, below /var/lib, where systemd is to make it; else null. */
  readonly stateDirectory: string | null;
  /** Directories that it writes to, absolute. */
  readonly writable: readonly string[];
  /** Paths that are to be there when it starts: their disks are mounted first. */
  readonly needed: readonly string[];
  /** Whom it runs as, by number; null for whoever runs the manager. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** A unit of a user's own manager. */
  readonly isUsers: boolean;
  /** Pools that live in an image, which the service mounts. */
  readonly inImage: readonly string[];
  readonly stopMs: number;
}

type Line = readonly [key: string, value: string] | string;

/** After so long without a sign of life it is ended and started anew. */
const WATCHDOG_SEC = 60;
/** A start compares all instances with the catalog, and may have to copy Redis's file first. */
const START_SEC = 900;

/** Whether such a unit may write to its `writable` alone: then systemd starts it only where all of them exist. */
export function isConfined({ isUsers, inImage }: Pick<UnitFacts, 'isUsers' | 'inImage'>): boolean {
  return !isUsers && inImage.length === 0;
}

/** The text of a unit, systemd.service(5). Pure. */
export function unitOf(facts: UnitFacts): string {
  const section = (name: string, lines: readonly Line[]) =>
    [`[${name}]`, ...lines.map((line) => (typeof line === 'string' ? `# ${line}` : line.join('=')))].join(
      '\n',
    );
  return `${[
    '# By `spica systemd` from the config in force: make it anew when pools, or where they lie, have changed.',
    section('Unit', unitLines(facts)),
    section('Service', [...serviceLines(facts), ...hardeningOf(facts)]),
    section('Install', [['WantedBy', facts.isUsers ? 'default.target' : 'multi-user.target']]),
  ].join('\n\n')}\n`;
}

function unitLines({ description, isUsers, needed }: UnitFacts): Line[] {
  return [
    ['Description', quoteValue(description)],
    // A user's manager knows nothing of the machine's network or mounts.
    ...(isUsers ? [] : ([['Wants', 'network-online.target']] as const)),
    ...(isUsers ? [] : ([['After', 'network-online.target redis-server.service']] as const)),
    ...needed.map((path) => ['RequiresMountsFor', quotePath(path)] as const),
    ['StartLimitIntervalSec', '0'],
  ];
}

function serviceLines(facts: UnitFacts): Line[] {
  const { command, workingDirectory, environment, environmentFile, stateDirectory, user, stopMs } = facts;
  return [
    ['Type', 'notify'],
    ['NotifyAccess', 'main'],
    ['ExecStart', command.map(quoteArgument).join(' ')],
    ['ExecReload', '/bin/kill -HUP $MAINPID'],
    ...(workingDirectory === null ? [] : ([['WorkingDirectory', quoteValue(workingDirectory)]] as const)),
    ...Object.entries(environment).map(
      ([name, value]) => ['Environment', quotePath(`${name}=${value}`)] as const,
    ),
    'For what others may not read, such as REDIS_URL with a password; it need not be there.',
    ['EnvironmentFile', `-${environmentFile}`],
    ...(user === null
      ? []
      : ([
          ['User', String(user.uid)],
          ['Group', String(user.gid)],
        ] as const)),
    ...(stateDirectory === null ? [] : ([['StateDirectory', quotePath(stateDirectory)]] as const)),
    ['Restart', 'on-failure'],
    ['RestartSec', '5'],
    'Bad usage or config does not mend itself.',
    ['RestartPreventExitStatus', '2'],
    ['TimeoutStartSec', String(START_SEC)],
    ['WatchdogSec', String(WATCHDOG_SEC)],
    'The worker ends its programs itself, and hands back what it cannot finish within shutdown_timeout.',
    ['KillMode', 'mixed'],
    ['TimeoutStopSec', String(Math.ceil(stopMs / 1000))],
  ];
}

/**
 * What the service may not do. Left out: MemoryDenyWriteExecute, which ends Node at its start; ProtectProc and PrivatePIDs,
 * which blind the look for live processes; RestrictSUIDSGID, since a copy keeps the modes of its template; ProtectClock and
 * PrivateDevices, which take devices away from commands of templates, and loop devices from images.
 */
function hardeningOf({ user, isUsers, inImage, writable }: UnitFacts): Line[] {
  const lines: Line[] = [
    ['NoNewPrivileges', 'yes'],
    ['LockPersonality', 'yes'],
    ['RestrictRealtime', 'yes'],
    ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
  ];
  if (isUsers) {
    return [
      ...lines,
      "No ProtectSystem and the like: in a user's unit they imply PrivateUsers, from where no other process can be",
      'looked into, so that nobody would see who works in an instance.',
    ];
  }
  // Root looks into other users' processes, keeps owners, and makes snapshots: it needs what it has.
  if (user !== null) lines.push(['CapabilityBoundingSet', '']);
  lines.push(['ProtectHostname', 'yes']);
  if (inImage.length > 0) {
    return [
      ...lines,
      `No ProtectSystem and the like: in a mount namespace of its own, nobody else would see the image of ${inImage.join(', ')}`,
      'that the service mounts.',
    ];
  }
  return [
    ...lines,
    ['ProtectSystem', 'strict'],
    ['ProtectHome', 'read-only'],
    ...writable.map((path) => ['ReadWritePaths', quotePath(path)] as const),
    ['ProtectKernelTunables', 'yes'],
    ['ProtectKernelModules', 'yes'],
    ['ProtectKernelLogs', 'yes'],
    ['ProtectControlGroups', 'yes'],
  ];
}
