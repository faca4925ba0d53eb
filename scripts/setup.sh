#!/bin/sh
# Brings what Spica needs to run: system programs with apt-get, JavaScript packages and Node 24 with pnpm, and the
# command itself, bundled from its sources.
#
#   sh scripts/setup.sh [--tests]      --tests also brings what only tests need: filesystems, a browser (as root)
#
# Safe to run again: where all is there it says nothing and is done in a few hundredths of a second.
# Speaks on stderr only, so that a command started through run.sh has stdout for its data.
# Exit 0: all is there. Exit 1: something is missing, and the last lines say what to do about it.
# POSIX sh, so that it can still speak where there is no bash.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup/say.sh
. scripts/setup/path.sh
. scripts/setup/system.sh
. scripts/setup/packages.sh
. scripts/setup/bundle.sh

for_tests=no
case "${1-}" in
  '') ;;
  --tests) for_tests=yes ;;
  *) give_up "unknown argument '$1': expected nothing or --tests" ;;
esac

all_is_there() {
  [ -z "$(missing_programs)" ] && packages_are_current && bundle_is_current && { [ $for_tests = no ] || test_programs_are_settled; }
}

all_is_there && exit 0
# Two set-ups at once would install into each other; the second waits here and then finds all there.
if command -v flock >/dev/null; then
  exec 9<scripts/setup.sh
  flock -n 9 || { say 'waiting for another set-up of this checkout to end'; flock 9; }
  all_is_there && exit 0
fi

started=$(date +%s)
log=$(mktemp "${TMPDIR:-/tmp}/spica-setup.XXXXXX")
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What can stop the set-up comes first, so that a refusal leaves nothing half done.
require_node_source
require_system_programs
[ $for_tests = no ] || bring_test_programs
packages_are_current || install_packages
[ $for_tests = no ] || remember_no_browser
bundle_is_current || build_bundle
say "done in $(($(date +%s) - started)) s"
