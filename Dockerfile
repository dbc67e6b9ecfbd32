# One image for both services. The default command is the streaming service, `node services/worker/dist/main.js` is the worker.

FROM node:20-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0 AS build
WORKDIR /app
COPY . .
RUN npm ci && npx tsc -b && npm prune --omit=dev

FROM node:20-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/packages ./packages
COPY --from=build /app/services ./services
COPY --from=build /app/cli ./cli
# An empty named volume gets its owner from this directory.
RUN mkdir /music /cache && chown node:node /cache
USER node
EXPOSE 5000
CMD ["services/streaming/run.sh"]
