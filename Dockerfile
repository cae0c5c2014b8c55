# Three stages: what is built, what runs it, and both put together. No Docker-specific step hides in here:
# each RUN works by hand in an empty folder.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY service ./service
RUN npm ci
COPY tsconfig.json tsconfig.build.json nest-cli.json ormconfig.ts ./
COPY scripts ./scripts
COPY src ./src
RUN npm run build && chmod +x dist/src/service-cli.js

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages are the embedded PostgreSQL's programs, which production refuses to use, and a native
# decoder that has a JavaScript twin. Nothing that is left needs an install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts
# npx service-callbacks: the last stage has what the link leads to.
RUN ln -s ../../dist/src/service-cli.js node_modules/.bin/service-callbacks

FROM node:24-slim
ENV NODE_ENV=production
# Outside this container only what is published is reachable. An address other than loopback needs API_TOKENS.
ENV HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist/src ./dist/src
COPY --from=build /app/dist/ormconfig.js ./dist/
COPY package.json ./
COPY service ./service
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Without npm in between, so that SIGTERM reaches the service.
CMD ["node", "--v8-pool-size=0", "--max-semi-space-size=64", "--max-old-space-size=1024", "--enable-source-maps", "dist/src/main.js"]
