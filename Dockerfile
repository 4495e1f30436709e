# One image for both services: `learn-da compute` and `learn-da gateway`.
# --build-arg EXTRA=[gpu] brings JAX for NVIDIA GPUs.

FROM node:22-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci
COPY web ./
COPY learnda/accuracy ../learnda/accuracy
RUN npm run build

FROM python:3.12-slim-bookworm
ARG EXTRA=""
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY learnda learnda
COPY compute compute
COPY gateway gateway
RUN pip install --no-cache-dir -c constraints.txt ".${EXTRA}"
COPY --from=web /src/web/dist web/dist
RUN useradd --system --create-home --uid 10001 learnda \
    && mkdir -p /var/cache/learnda /etc/learn-da && chown learnda /var/cache/learnda /etc/learn-da
USER learnda
ENV PYTHONUNBUFFERED=1 \
    LEARNDA_WEB_DIST=/app/web/dist \
    LEARNDA_CACHE_DIR=/var/cache/learnda
# Without an argument it says what it can do; docker-compose.yml names the service.
ENTRYPOINT ["learn-da"]
CMD ["--help"]
