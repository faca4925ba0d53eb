#!/bin/sh
# Runs a program of this checkout on Node 24, setting up first where something is missing: a TypeScript file, or the
# bundled command (dist/spica/lib/spica.js).
#
#   sh scripts/run.sh [node options] FILE [arguments]
#
# The program takes this shell's place, so that signals and the exit code are the program's own.
set -eu
here=$(dirname "$0")
sh "$here/setup.sh"
checkout=$(cd "$here/.." && pwd)
PATH=$checkout/node_modules/.bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin exec "$checkout/node_modules/.bin/node" "$@"
