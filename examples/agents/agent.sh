#!/bin/sh
# Stands in for a coding agent: it works in the clone that it was started in, and leaves its commits as a patch.
set -eu
branch=agent-$SPICA_INDEX
git switch --quiet --create "$branch"
base=$(git rev-parse HEAD)

echo "an idea of agent $SPICA_INDEX" > "idea-$SPICA_INDEX.txt" # an agent would be called here

git add "idea-$SPICA_INDEX.txt"
git -c user.name="$branch" -c user.email="$branch@example.org" commit --quiet --message "Idea of $branch"
git format-patch --quiet --stdout "$base" > "$branch.patch"
