# Sourced: the bundle of the command, dist/spica, which scripts/build makes from the sources.

built=dist/.built

# Whatever the bundle is made of: one that was changed, added or taken away is newer, or its directory is.
bundle_is_current() {
  [ -f "$built" ] && [ -z "$(find $(bundle_sources) -newer "$built" -print -quit)" ]
}

bundle_sources() {
  echo packages/*/src packages/*/package.json scripts/build package.json pnpm-lock.yaml README.md CHANGELOG.md LICENSE
}

# The stamp is from before the build, so that what is edited meanwhile is newer.
build_bundle() {
  say 'building the command from its sources'
  mkdir -p dist
  rm -f "$built"
  : >"$built.new"
  logged node_modules/.bin/node scripts/build/main.ts || give_up 'building dist/spica failed (above).'
  mv "$built.new" "$built"
}
