#!/bin/sh
# From a shell: spawn, work, score, look, and let go, with jq for what comes as JSON. Usage: shell.sh COUNT
set -eu
command -v jq > /dev/null || { echo 'shell.sh needs jq' >&2; exit 127; }
spawned=$(spica spawn --json -n "${1:-2}" --set LR=0.1 --experiment shell --lease 10m)
SPICA_LEASE_TOKEN=$(echo "$spawned" | jq -r .lease.token)
export SPICA_LEASE_TOKEN

score=0
for id in $(echo "$spawned" | jq -r '.instances[].id'); do
  path=$(echo "$spawned" | jq -r --arg id "$id" '.instances[] | select(.id == $id).path')
  date > "$path/worked.txt"
  score=$((score + 1))
  spica score "$id" "$score"
  spica release "$id" --discard # nobody needs it any more: it is the first to go when room is needed
done

best=$(spica ls --json | jq -r '[.instances[] | select(.experiment == "shell")] | max_by(.score).id')
echo "best: $best"
