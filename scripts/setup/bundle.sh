# Sourced: the bundle of the command, dist/spica, and the operator's page, packages/web/dist, which scripts/build makes
# from the sources.

built=dist/.built

# Whatever the bundle is made of: one that was changed, added or taken away is newer, or its directory is.
bundle_is_current() {
  [ -f "$built" ] && [ -f packages/web/dist/index.html ] && [ -z "$(find $(bundle_sources) -newer "$built" -print -quit)" ]
}

bundle_sources() {
  echo packages/*/src packages/*/package.json scripts/build package.json pnpm-lock.yaml README.md CHANGELOG.md LICENSE
}

# The stamp is from before the build, so that what is edited meanwhile is newer.
build_bundle() {
  say 'building the command and the page from their sources'
  mkdir -p dist
  rm -f "$built"
  : >"$built.new"
  logged node_modules/.bin/node scripts/build/main.ts || give_up 'building dist/spica failed (above).'
  mv "$built.new" "$built"
}
