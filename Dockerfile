# Two stages: packages are installed in the first, and only what runs is in the second.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt /build/requirements.txt
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /build/requirements.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
RUN groupadd --gid 10001 parley \
    && useradd --uid 10001 --gid parley --no-create-home --shell /usr/sbin/nologin parley \
    && install --directory --owner parley --group parley /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Keys that are thrown away: collecting files needs the settings, and production's need keys.
RUN export $(python scripts/make_keys.py) DEBUG=false ALLOWED_HOSTS=build.invalid DATA_DIR=/tmp/build ENV_FILE=/dev/null \
    && python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf /tmp/build
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "scripts/healthcheck.py", "web"]
CMD ["python", "scripts/parts.py", "web"]
