# Sourced: the programs of the operating system that Spica calls, and the Debian packages that hold them.

PATH=$(path_without_checkout)

apt_command='apt-get install -y --no-install-recommends'

# One program a line, as a person would name it. redis-check-rdb is the server itself under another name: Debian's
# redis-tools has it, and unlike the redis-server package it starts no service.
missing_programs() {
  command -v redis-server >/dev/null || command -v redis-check-rdb >/dev/null || echo redis-server
  for program in rsync cp find rm setpriv; do
    command -v $program >/dev/null || echo $program
  done
}

# The same for what tests need to make filesystems and extended attributes of their own, and to try the alerts.
missing_test_programs() {
  for program in mkfs.btrfs mkfs.xfs mkfs.ext4 setfattr losetup promtool; do
    command -v $program >/dev/null || echo $program
  done
}

# A browser, for tests of the operator's page. Ubuntu's package of the name brings none (it asks snap for it).
has_browser() {
  command -v chromium >/dev/null || command -v google-chrome >/dev/null
}

# Only root can install, and mount: without, there is nothing to bring, and those tests are skipped by name. A browser that
# could not be had is not asked for again, until the system's packages change.
test_programs_are_settled() {
  [ "$(id -u)" != 0 ] || { [ -z "$(missing_test_programs)" ] && { has_browser || no_browser_is_known; }; }
}

no_browser=node_modules/.no-browser

no_browser_is_known() {
  [ -f "$no_browser" ] && [ -z "$(find /var/lib/dpkg/status -newer "$no_browser" 2>/dev/null)" ]
}

package_of() {
  case "$1" in
    redis-server) echo redis-tools ;;
    rsync) echo rsync ;;
    cp | rm) echo coreutils ;;
    find) echo findutils ;;
    setpriv) echo util-linux ;;
    mkfs.btrfs) echo btrfs-progs ;;
    mkfs.xfs) echo xfsprogs ;;
    mkfs.ext4) echo e2fsprogs ;;
    setfattr) echo attr ;;
    losetup) echo mount ;;
    promtool) echo prometheus ;;
  esac
}

packages_of() {
  for program in "$@"; do package_of "$program"; done | sort -u | tr '\n' ' ' | sed 's/ $//'
}

# What a person without root would type; `su` where there is no sudo.
install_command() {
  if command -v sudo >/dev/null; then
    echo "sudo apt-get update && sudo $apt_command $1"
  else
    echo "su -c 'apt-get update && $apt_command $1'"
  fi
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
  if [ "${apt_lists:-old}" = old ]; then
    # One broken third-party source fails the whole update; the packages may be had from the others all the same.
    logged apt-get update || say 'apt-get update failed (above); going on with the package lists that are there'
    apt_lists=fresh
  fi
  # shellcheck disable=SC2086 # words on purpose: a command and package names
  logged $apt_command -o DPkg::Lock::Timeout=300 $1
}

require_system_programs() {
  missing=$(missing_programs | tr '\n' ' ')
  if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word per program
    packages=$(packages_of $missing)
    command -v apt-get >/dev/null ||
      give_up "missing: $missing" \
        'This set-up installs on Debian and Ubuntu only. Install these programs with your package manager' \
        '(cp, find and rm in their GNU versions) and run this again, or work in a container:' \
        'docker run -it --rm -v "$PWD":/spica -w /spica node:20-bookworm bash'
    [ "$(id -u)" = 0 ] ||
      give_up "missing: $missing(and only root may install). Run this, then try again:" "$(install_command "$packages")"
    say "installing $packages with apt-get"
    apt_install "$packages" ||
      give_up 'apt-get failed (above). When its cause is mended, run this again, or install by hand:' \
        "apt-get update && $apt_command $packages"
    [ -z "$(missing_programs)" ] || give_up "still missing after apt-get: $(missing_programs | tr '\n' ' ')"
  fi
  require_gnu_programs
}

# BSD and older BusyBox programs have the names but not the options.
require_gnu_programs() {
  for need in cp:--reflink rm:--one-file-system find:-files0-from; do
    "${need%%:*}" --help 2>&1 | grep -q -e "${need#*:}" ||
      give_up "${need%%:*} does not know ${need#*:}: expected a newer GNU version (Debian 12, Ubuntu 24.04), found $(command -v "${need%%:*}")"
  done
}

# The package starts a server, of which nobody has asked for more than its promtool.
stop_new_prometheus() {
  case "$1" in *promtool*) ;; *) return 0 ;; esac
  [ -d /run/systemd/system ] || return 0
  logged systemctl disable --now prometheus || true
}

# Extras: where they cannot be had, the run goes on and says which tests it costs.
bring_test_programs() {
  test_programs_are_settled && return 0
  missing=$(missing_test_programs | tr '\n' ' ')
  if [ -n "$missing" ]; then
    # shellcheck disable=SC2086 # one word per program
    packages=$(packages_of $missing)
    if bring_for_tests "$packages" 'for tests on real filesystems and of the alerts'; then
      stop_new_prometheus "$missing"
    else
      say "without ${missing}the tests that need them are skipped by name"
    fi
  fi
  has_browser || { bring_for_tests 'chromium fonts-dejavu-core' "for tests of the operator's page" && has_browser; } ||
    say 'without chromium the tests in a browser are skipped by name'
}

bring_for_tests() {
  command -v apt-get >/dev/null || return 1
  say "installing $1 with apt-get, $2"
  apt_install "$1"
}

# Once the packages are there, since node_modules may be made anew.
remember_no_browser() {
  has_browser || [ "$(id -u)" != 0 ] || : >"$no_browser"
}
