# docker build -t thumbwheel . && docker run --rm thumbwheel --help
FROM debian:12-slim AS build
WORKDIR /src
COPY . .
RUN ./dev build && cmake --install build/release --prefix /opt/thumbwheel --component program --strip

FROM debian:12-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates \
        libuv1 libcurl4 libssl3 libmbedcrypto7 libmbedtls14 libmbedx509-1 libvips42 libsqlite3-0 \
        libjansson4 libyajl2 libexpat1 libfyaml0 \
        libseccomp2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home thumbwheel
COPY --from=build /opt/thumbwheel /usr/local
USER thumbwheel
ENTRYPOINT ["thumbwheel"]
CMD ["run"]
