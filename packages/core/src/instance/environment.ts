import type { Param } from './record.ts';

/** What a command that runs in an instance is told of it. */
export interface InstanceEnvironment {
  readonly id: string;
  readonly path: string;
  readonly request: string;
  readonly experiment: string | null;
  /** Counts from 0: the instance in its request, or the run in its experiment. */
  readonly index: number;
  readonly params: Readonly<Record<string, Param>>;
}

/** The environment of a command in an instance: the parameters under their names, and who it is under `SPICA_…`. */
export function environmentOf({
  id,
  path,
  request,
  experiment,
  index,
  params,
}: InstanceEnvironment): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
    SPICA_ID: id,
    SPICA_PATH: path,
    SPICA_REQUEST: request,
    SPICA_EXPERIMENT: experiment ?? '',
    SPICA_INDEX: String(index),
  };
}

/** Of dynamic loaders, shells, interpreters, package managers, compilers and git: they name programs or options to run. */
const STEERING = new RegExp(
  `^(?:${[
    '(?:LD|DYLD|GCONV|GIT|SSH|NODE|NPM|PNPM|YARN|BUN|DENO|COREPACK|PIP|UV|CONDA|GEM|BUNDLE|JAVA|JDK|MAVEN|GRADLE|CARGO|RUSTUP|CMAKE|XDG|OPENSSL|SSL|CURL|LUA|PERL)_.*',
    '_JAVA_OPTIONS|PYTHON(?!HASHSEED$).*|PERL5.*|PERLLIB|RUBY(?:OPT|LIB)|PHPRC|PHP_INI.*|R_(?:LIBS|PROFILE|ENVIRON|HOME).*',
    'GO(?:FLAGS|PATH|ROOT|ENV|TOOL.*|PROXY)|RUST(?:C.*|FLAGS)|CC|CXX|AR|C(?:PP|XX)?FLAGS|LDFLAGS|M(?:AKE)?FLAGS',
    'BASH(?:_.*|OPTS)|ENV|IFS|PS4|CDPATH|SHELL(?:OPTS)?|ZDOTDIR|PATH|HOME|TMPDIR',
    'EDITOR|VISUAL|PAGER|BROWSER|LESS(?:OPEN|CLOSE)?|TERMINFO.*|LOCPATH|NLSPATH',
  ].join('|')})$`,
  'i',
);

/**
 * The parameters for a command that the operator chose and somebody else's request starts: without those whose names would
 * have it run what the request names (PATH, LD_PRELOAD, NODE_OPTIONS …), and those that `there` has already.
 */
export function harmlessParams(
  params: InstanceEnvironment['params'],
  there: Readonly<Record<string, string | undefined>>,
): InstanceEnvironment['params'] {
  const harmless = Object.entries(params).filter(
    ([name]) => !STEERING.test(name) && !Object.hasOwn(there, name),
  );
  return Object.fromEntries(harmless);
}
