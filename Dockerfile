# Three stages: the server's packages, what is built (the console, the server as one file), then the server with
# what it needs at run time.
# By digest, of all architectures: docs/releases.md says when it is renewed.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY server/package.json server/
COPY simulator/package.json simulator/
COPY bench/package.json bench/
COPY test/package.json test/
COPY packages/client/package.json packages/client/
COPY packages/cli/package.json packages/cli/
COPY packages/console/package.json packages/console/
# The embedded PostgreSQL and the pinned Node are for laptops; the image brings Node itself.
RUN npm ci --omit=dev --omit=optional --workspace server --include-workspace-root=false

FROM ${NODE_IMAGE} AS built
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
COPY server/package.json server/
COPY simulator/package.json simulator/
COPY bench/package.json bench/
COPY test/package.json test/
COPY packages/client/package.json packages/client/
COPY packages/cli/package.json packages/cli/
COPY packages/console/package.json packages/console/
# The console's tools make the server's file, too.
RUN npm ci --workspace @sfdc-engine-x/console --workspace @sfdc-engine-x/server --include-workspace-root=false
COPY packages/client/src packages/client/src
COPY packages/console packages/console
RUN npm run build --workspace @sfdc-engine-x/console
COPY scripts scripts
COPY server server
RUN node scripts/server-file.ts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
# As in the script `start` of package.json.
ENV MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536
WORKDIR /app
# Secrets may come from Doppler: then DOPPLER_TOKEN alone is set and its CLI injects the rest. Its packages
# are trusted by this one key: the end of its fingerprint, which is all of it that Doppler publishes.
ARG INSTALL_DOPPLER=false
ARG DOPPLER_KEY=DE2A7741A397C129
RUN if [ "$INSTALL_DOPPLER" = "true" ]; then \
      apt-get update && apt-get install -y --no-install-recommends ca-certificates curl gnupg \
      && curl -sLf --retry 3 --tlsv1.2 --proto "=https" "https://packages.doppler.com/public/cli/gpg.$DOPPLER_KEY.key" \
         | gpg --dearmor -o /usr/share/keyrings/doppler.gpg \
      && gpg --show-keys --with-colons /usr/share/keyrings/doppler.gpg > /tmp/key \
      && [ "$(grep -c '^pub:' /tmp/key)" = 1 ] \
      && grep -A1 '^pub:' /tmp/key | grep -Eq "^fpr:+[0-9A-F]{24}$DOPPLER_KEY:" \
      && echo "deb [signed-by=/usr/share/keyrings/doppler.gpg] https://packages.doppler.com/public/cli/deb/debian any-version main" \
         > /etc/apt/sources.list.d/doppler.list \
      && apt-get update && apt-get install -y --no-install-recommends doppler \
      && rm -rf /var/lib/apt/lists/* /tmp/key; \
    fi
COPY --from=build /app ./
COPY server ./server
COPY migrations ./migrations
COPY --from=built /app/server/dist ./server/dist
COPY --from=built /app/packages/console/dist ./packages/console/dist
# Shown under /docs.
COPY docs/llms.txt ./docs/
COPY docs/guides ./docs/guides
RUN install -d -o node node_modules/.cache
USER node
# Compiled here, so that no start does it: with the user and the flags of the start, which the cache is for.
# It is the one file that is loaded, or the image is not built.
RUN node --max-semi-space-size=8 --initial-old-space-size=32 --v8-pool-size=2 server/src/start.js --load-only | grep 'loaded .*/server/dist/'
EXPOSE 8080
# node itself is PID 1's child through exec, so that SIGTERM reaches it and the shutdown is orderly.
CMD ["sh", "-c", "if [ -n \"$DOPPLER_TOKEN\" ] && command -v doppler >/dev/null; then exec doppler run -- node --max-semi-space-size=8 --initial-old-space-size=32 --v8-pool-size=2 server/src/start.js; else exec node --max-semi-space-size=8 --initial-old-space-size=32 --v8-pool-size=2 server/src/start.js; fi"]
