#!/bin/sh
# The command of this checkout: the bundle on the checkout's Node. node_modules/.bin/spica is a link to it, and it can be
# called through further ones. The set-up keeps the bundle current; this starts it as it is.
checkout=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$checkout/node_modules/.bin/node" "$checkout/dist/spica/lib/spica.js" "$@"
