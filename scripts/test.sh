#!/bin/sh
# Everything that must hold: the checks of check.sh, then the tests. Both always run; one failure fails the run.
#
#   sh scripts/test.sh [vitest's arguments]      such as: packages/core, or -t 'name of a test'
#
# Skipped tests are listed with their reasons; the last line reads "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh --tests
. scripts/setup/path.sh
export PATH="$tools_path"

status=0
sh scripts/check.sh || status=1

summary=$(mktemp "${TMPDIR:-/tmp}/spica-summary.XXXXXX")
trap 'rm -f "$summary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
SPICA_TEST_SUMMARY=$summary vitest run "$@" || status=1

[ -s "$summary" ] || printf 'vitest ended before it could count\n0 passed, 1 failed, 0 skipped\n' >"$summary"
cat "$summary"
exit $status
