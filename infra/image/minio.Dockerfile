# MinIO, built from its Go module at the version that the local runner builds: no image of others is pulled.
#
#   docker build -f infra/image/minio.Dockerfile -t dcm2set-minio .
#
# The base lends pip, which installs the toolchain of Go by its hash; the image has MinIO, a health check and CAs.
ARG BASE=docker.io/library/python:3.11.17-slim-bookworm@sha256:0a310eeecf4e1f5a0743f9a6520c90c88d089c903ca5fd283f501e3a805f5f89

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_DEPS=1 \
    PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    GOBIN=/build/bin GOPATH=/build/go GOCACHE=/build/cache GOTOOLCHAIN=local CGO_ENABLED=0
WORKDIR /build
COPY infra/local/go_toolchain.lock infra/image/certificates.py ./
RUN ["python3", "certificates.py", "ca-certificates.crt"]
COPY infra/image/minio_health minio_health/
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    ["python3", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", "go_toolchain.lock", "--target", "toolchain"]
RUN --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    ["toolchain/go/bin/go", "install", "-trimpath", "-ldflags", "-s -w", "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"]
RUN ["toolchain/go/bin/go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "bin/minio-health", "minio_health/main.go"]

FROM scratch
ARG BASE
ARG REVISION=unknown
LABEL org.opencontainers.image.title="dcm2set-minio" \
      org.opencontainers.image.description="MinIO, built from its Go module" \
      org.opencontainers.image.licenses="AGPL-3.0-only" \
      org.opencontainers.image.source="https://github.com/minio/minio" \
      org.opencontainers.image.version="v0.0.0-20260212201848-7aac2a2c5b7c" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"
COPY --from=build /build/bin/minio /build/bin/minio-health /usr/bin/
COPY --from=build /build/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/usr/bin HOME=/tmp
USER 65532:65532
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/bin/minio-health"]
ENTRYPOINT ["/usr/bin/minio"]
