# The production image: every role of Grome, against GROME_MONGO_URL and GROME_REDIS_URL. `make image` builds it.
# Releases pass BASE with its digest (…@sha256:…), which docs/deployment.md shows; a tag alone can change.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY requirements/uv.txt requirements/
RUN python3 -m venv /opt/uv && \
    /opt/uv/bin/python -m pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/uv.txt
ENV PATH=/opt/uv/bin:$PATH \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
# Compiled here, since the root of a running container is read-only.
COPY requirements/production.txt requirements/
RUN uv venv --python "$(command -v python3)" /opt/grome && \
    uv pip install --python /opt/grome/bin/python --only-binary :all: --compile-bytecode \
        --require-hashes -r requirements/production.txt
COPY requirements/demo.txt requirements/
COPY pyproject.toml README.md LICENSE ./
COPY grome grome
COPY workers workers
COPY config config
RUN uv build --wheel --build-constraints requirements/demo.txt --require-hashes --out-dir /dist && \
    uv pip install --python /opt/grome/bin/python --no-deps --compile-bytecode /dist/*.whl
# 70 MB that nothing imports: the tests of packages, and the places and carriers behind phone numbers.
RUN find /opt/grome/lib -type d \( -name tests -o -path '*/phonenumbers/geodata' -o -path '*/phonenumbers/carrierdata' \) \
        -prune -exec rm -rf {} +

FROM ${BASE}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Grome" \
      org.opencontainers.image.description="The backend of a barbershop-booking platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Nothing can be installed into a running container.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* \
        /usr/lib/python3*/ensurepip /usr/share/python-wheels && \
    useradd --system --uid 10001 --user-group --home-dir /var/lib/grome --create-home grome
COPY --from=build /opt/grome /opt/grome
ENV PATH=/opt/grome/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GROME_ENV=production \
    GROME_HOME=/var/lib/grome \
    GROME_JOBS_HTTP_PORT=8000
USER 10001:10001
WORKDIR /var/lib/grome
# All that Grome writes: files of the folder storage, and reports and exports while they are made.
VOLUME ["/var/lib/grome", "/tmp"]
# `grome serve` answers on it, and so do `grome worker` and `grome relay`.
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
# SIGTERM is passed on to all workers, which finish what they have begun.
STOPSIGNAL SIGTERM
ENTRYPOINT ["grome"]
CMD ["serve"]
