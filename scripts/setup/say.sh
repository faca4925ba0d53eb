# Sourced: how the set-up speaks.

say() {
  echo "setup: $*" >&2
}

# Ends the set-up with one reason and, one a line, what the reader can do about it.
give_up() {
  say "$1"
  shift
  for line in "$@"; do
    echo "    $line" >&2
  done
  exit 1
}

# Runs a command with its output kept in $log: a set-up that works says one line per step, one that fails shows why.
# No terminal and no lock are handed on: an installer that asked a question would wait for ever.
logged() {
  "$@" >"$log" 2>&1 </dev/null 9<&- && return 0
  tail -n 30 "$log" >&2
  return 1
}
