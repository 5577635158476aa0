# Hourglass with CUDA support. The image needs no CUDA toolkit: the kernels are
# PTX in the binary, and the driver comes from the host.
#
#   docker build -t hourglass .
#   docker run --gpus all -v "$PWD":/work hourglass train ./pictures/conv --shape 3x64x64
#
# What was tried: the steps of the first stage in an empty folder, on Debian 12,
# from the files that COPY takes; the program that comes of them starts, wants
# libc alone, of version 2.34 or later, which the second stage has, and runs
# without a driver. A container engine has not built it yet.
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
