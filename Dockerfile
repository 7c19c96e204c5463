# The production image: API and job workers against GROME_MONGO_URL and GROME_REDIS_URL.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/grome
COPY requirements/production.txt requirements/production.txt
RUN /opt/grome/bin/pip install --no-cache-dir --require-hashes -r requirements/production.txt
COPY pyproject.toml README.md LICENSE ./
COPY grome grome
COPY workers workers
COPY config config
RUN /opt/grome/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/grome --create-home grome
COPY --from=build /opt/grome /opt/grome
ENV PATH=/opt/grome/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GROME_ENV=production \
    GROME_HOME=/var/lib/grome
USER 10001
WORKDIR /var/lib/grome
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
# SIGTERM is passed on to all workers, which finish what they have begun.
STOPSIGNAL SIGTERM
ENTRYPOINT ["grome"]
CMD ["serve"]
