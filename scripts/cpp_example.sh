#!/usr/bin/env bash
# Build the C++ example for tests/clients and print where its programs are, installing Debian's gRPC
# where there is none. Only root can: for anybody else nothing is printed, and the test that needs it
# is named and not run.
set -euo pipefail
cd "$(dirname "$0")/.."

here() {
    local tool
    for tool in c++ protoc grpc_cpp_plugin pkg-config; do
        command -v "$tool" >/dev/null || return 1
    done
    pkg-config --exists grpc++ protobuf
}

if ! here && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Debian's gRPC for C++" >&2
    export DEBIAN_FRONTEND=noninteractive
    packages=(g++ pkg-config libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc)
    { apt-get update -q && apt-get install -q -y --no-install-recommends "${packages[@]}"; } >&2
fi
if ! here; then
    echo "Not run: tests/clients/test_cpp_client.py. It needs gRPC for C++, which only root can install" >&2
    exit
fi

folder=$PWD/.cache/cpp-example
# quick to compile rather than to run
make -s -j2 -C examples/cpp BUILD="$folder" CXXFLAGS=-O0 >&2
echo "$folder"
