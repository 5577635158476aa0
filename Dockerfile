# Hourglass with CUDA support. The image needs no CUDA toolkit: the kernels are
# PTX in the binary, and the driver comes from the host.
#
#   docker build -t hourglass .
#   docker run --gpus all -v "$PWD":/work hourglass train ./pictures/conv --shape 3x64x64
#
# What was tried: buildah has built it, on base images put together from Debian's
# packages of trixie and Go 1.26.8 and named as below, since the registry's own
# were out of reach; in it doctor, version and a training ran, without a GPU.
FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make gpu

FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# What the host's container runtime is asked to provide of the driver.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build /src/bin/hourglass /usr/local/bin/hourglass
WORKDIR /work
ENTRYPOINT ["hourglass"]
