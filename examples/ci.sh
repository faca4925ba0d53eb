#!/bin/sh
# A CI job's workspace: a clone of its own for each job, which takes no longer than a copy-on-write clone takes, whose
# artifacts are collected, and which goes by itself whatever happens to the job. Usage: ci.sh ARTIFACTS COMMAND…
set -eu
artifacts=$1
shift
job=${CI_JOB_ID:-local}
# The exit code is the command's; a job that hangs is ended, and one that waits for room longer than this is not begun.
exec spica run --experiment ci --label "job=$job" --time-limit 1h --max-wait 10m \
  --collect 'reports/**' --to "$artifacts" -- "$@"
