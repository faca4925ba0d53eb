#!/bin/sh
# Coding agents on one repository, side by side, each in a clone and on a branch of its own; what they made is collected as
# patches. The pool's template is the repository. Usage: run.sh AGENTS DIRECTORY
set -eu
agents=${1:-4}
to=${2:-patches}
here=$(cd "$(dirname "$0")" && pwd)
exec spica run -n "$agents" --experiment agents --collect '*.patch' --to "$to" -- "$here/agent.sh"
