# Spica in a container: the command as the set-up has built it (`npm run setup`), so that nothing is fetched but Debian's
# packages. docs/deploying.md says how to run it.
#
#   docker build -t spica .
#
# NODE_IMAGE is any Debian with Node 22.15 or newer.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS bundle
COPY dist/spica /opt/spica
# Everybody may read it, whoever built it; types are for those who import it. A bundle of another machine ends here.
RUN rm -r /opt/spica/types && chmod -R u=rwX,go=rX /opt/spica && chmod a+x /opt/spica/lib/spica.js \
  && node /opt/spica/lib/spica.js --version && node -e "require('/opt/spica/node_modules/koffi')"

FROM ${NODE_IMAGE}
# What does the disk work, a Redis for where REDIS_URL names none, and an init that reaps what commands of templates leave.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rsync git zstd redis-server tini \
  && rm -rf /var/lib/apt/lists/*
COPY --from=bundle /opt/spica /opt/spica
# Whichever user runs it makes a state directory of its own.
RUN ln -s /opt/spica/lib/spica.js /usr/local/bin/spica && mkdir -m 1777 /var/lib/spica
ENV HOME=/tmp SPICA_STATE_DIR=/var/lib/spica/state SPICA_CONFIG=/etc/spica/spica.yaml
VOLUME /var/lib/spica
USER 1000:1000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3737/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "spica"]
CMD ["up"]
