# Sourced: JavaScript packages, and the Node 24 that comes with them (npm package node-linux-*, no install script).

stamp=node_modules/.spica-setup

# What an installation depends on. Equal text here means that installing again would change nothing.
fingerprint() {
  { uname -sm; cat package.json pnpm-workspace.yaml pnpm-lock.yaml packages/*/package.json; } | cksum
}

packages_are_current() {
  [ -x node_modules/.bin/node ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]
}

is_node_24() {
  command -v "$1" >/dev/null && "$1" -e 'process.exit(parseInt(process.versions.node, 10) >= 24 ? 0 : 1)' 2>/dev/null
}

# The packaged Node runs on Linux with glibc only; elsewhere the system's own has to be new enough.
node_is_packaged() {
  case "$(uname -sm)" in
    'Linux x86_64' | 'Linux aarch64') getconf GNU_LIBC_VERSION >/dev/null 2>&1 ;;
    *) false ;;
  esac
}

require_node_source() {
  command -v npx >/dev/null || give_up 'missing: npx. It comes with npm: install Node 20 or newer together with npm.'
  node_is_packaged || is_node_24 node ||
    give_up "Node 24 comes along for Linux with glibc on x64 and arm64; this is $(uname -sm)$(libc_remark)." \
      'Install Node 24 or newer (https://nodejs.org/en/download) and run this again, or work in a container:' \
      'docker run -it --rm -v "$PWD":/spica -w /spica node:20-bookworm bash'
}

libc_remark() {
  [ "$(uname -s)" != Linux ] || getconf GNU_LIBC_VERSION >/dev/null 2>&1 || echo ' without glibc'
}

install_packages() {
  manager=$(sed -n 's/.*"packageManager": "\([^"]*\)".*/\1/p' package.json)
  say "installing JavaScript packages and Node 24 with $manager (about a minute the first time)"
  rm -f "$stamp"
  logged fetch_packages "$manager" ||
    give_up 'installing the packages failed (above). When its cause is mended, run this again.'
  is_node_24 node_modules/.bin/node || use_system_node
  ln -sfn ../../scripts/spica.sh node_modules/.bin/spica
  fingerprint >"$stamp"
}

fetch_packages() (
  unset NODE_ENV NODE_OPTIONS # "production" would leave out what tests and the demo need
  export CI=true              # never ask
  export npm_config_update_notifier=false
  use_writable_home
  exec npx -y "$1" install --frozen-lockfile
)

# npm and pnpm keep their caches under HOME; a user without one gets them inside node_modules.
use_writable_home() {
  [ -n "${HOME-}" ] && [ -d "$HOME" ] && [ -w "$HOME" ] && return 0
  export HOME="$PWD/node_modules/.home"
  unset XDG_DATA_HOME XDG_CACHE_HOME XDG_STATE_HOME XDG_CONFIG_HOME npm_config_cache
  mkdir -p "$HOME"
}

# Everything here runs node_modules/.bin/node: one path to Node 24, wherever it comes from.
use_system_node() {
  is_node_24 node || give_up "the packaged Node does not run here: $(node_modules/.bin/node --version 2>&1 || true)" \
    'Install Node 24 or newer (https://nodejs.org/en/download) and run this again.'
  ln -sfn "$(command -v node)" node_modules/.bin/node
}
