#!/bin/sh
# Makes the distribution in dist/: dist/spica, the command as a package, and its tarball, dist/spica-VERSION.tgz, which
# `npm install -g` takes on a machine with Node 22 or newer; dist/client, what runners import, and
# dist/spica-client-VERSION.tgz, which any project's `npm install` takes. The last lines name the tarballs, the command's last.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
. scripts/setup/path.sh
PATH=$tools_path

cd dist
rm -f spica-*.tgz
echo "dist/$(npm pack --silent ./client)"
echo "dist/$(npm pack --silent ./spica)"
