#!/bin/sh
# Everything that must hold: the checks of check.sh, then the tests. Both always run; one failure fails the run.
#
#   sh scripts/test.sh [--quick] [vitest's arguments]      such as: packages/core, or -t 'name of a test'
#
# --quick runs no checks, and of the tests those that neither kill nor mount nor take long (vitest.config.ts).
#
# What is skipped is listed with its reason; the last line reads "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."
if [ "${1-}" = --quick ]; then
  quick=yes
  shift
  set -- --mode quick "$@"
  sh scripts/setup.sh
else
  quick=no
  sh scripts/setup.sh --tests
fi
. scripts/setup/path.sh
export PATH="$tools_path"
export NODE_COMPILE_CACHE="$PWD/node_modules/.cache/tests" # each slow file has a process, and loads the same modules

status=0
[ $quick = yes ] || sh scripts/check.sh || status=1

# One directory for all that tests make, open to the other users that some of them run as. On an ext4 without a journal,
# as virtual machines have it, each directory in it gets a block group of its own (chattr +T): there ext4 passes over each
# inode that was freed in the group in the last minutes, and beside what other tests removed a copy took twenty times as long.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/spica.XXXXXX")
trap 'rm -rf --one-file-system "$scratch" || true' EXIT
chmod 1777 "$scratch"
chattr +T "$scratch" 2>/dev/null || true # not on other filesystems
export TMPDIR="$scratch"
summary=$scratch/summary
trap 'exit 130' INT
trap 'exit 143' TERM
SPICA_TEST_BUNDLE=yes SPICA_TEST_SUMMARY=$summary vitest run "$@" || status=1

[ -s "$summary" ] || printf 'vitest ended before it could count\n0 passed, 1 failed, 0 skipped\n' >"$summary"
cat "$summary"
exit $status
