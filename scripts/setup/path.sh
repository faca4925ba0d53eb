# Sourced from the root of the checkout: the PATH that everything of this repository runs with.

# Administrators' programs (dpkg's ldconfig, mkfs.btrfs) are not on every user's PATH.
system_path=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# The checkout's own programs come first: among them Node 24, whatever Node started us.
tools_path=$PWD/node_modules/.bin:$system_path

# npm puts node_modules/.bin first. The set-up runs on the system's own Node, since it may be replacing that one.
path_without_checkout() {
  (
    IFS=:
    set -f
    kept=
    for entry in $system_path; do
      case "$entry" in
        */node_modules/.bin) ;;
        *) kept=${kept:+$kept:}$entry ;;
      esac
    done
    echo "$kept"
  )
}
