# docker build -t thumbwheel . && docker run --rm thumbwheel --help
FROM debian:12-slim AS packages
WORKDIR /src

# The packages depend on this file only, so that a change of the sources does not install them again.
COPY dev .
RUN ./dev setup

FROM packages AS build
COPY . .
# Without debugging information, which the image would not keep.
RUN cmake --preset release "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O2 -DNDEBUG" >/dev/null \
    && cmake --build --preset release --target thumbwheel -- --quiet \
    && deploy/image/root.sh build/release /image

# The program and what it needs at run time: no shell, no package manager (docs/deployment.md).
FROM scratch
ARG REVISION=""
LABEL org.opencontainers.image.title="Thumbwheel" \
    org.opencontainers.image.description="An event-driven image engine: renditions and tags for every photo that lands in a bucket" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.revision="${REVISION}"
# Metrics are served so that the health check has an engine to ask. local keeps its state in /data.
ENV PATH=/usr/local/bin \
    HOME=/home/thumbwheel \
    XDG_DATA_HOME=/data \
    XDG_CACHE_HOME=/data/cache \
    THUMBWHEEL_METRICS=:9464
EXPOSE 4566 4567 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=10s CMD ["thumbwheel", "health"]
ENTRYPOINT ["thumbwheel"]
CMD ["run"]
COPY --from=build /image /
VOLUME /data
WORKDIR /data
# A number, so that Kubernetes' runAsNonRoot can check it.
USER 10001:10001
