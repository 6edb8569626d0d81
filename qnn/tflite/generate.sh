#!/bin/sh
# Regenerates the FlatBuffers accessors from schema.fbs into the folder fb of
# the folder given (default: this script's own). Needs flatc 2.0.8, Debian's
# flatbuffers-compiler; another version may write other text.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
flatc --go -o "$out" "$here/schema.fbs"
gofmt -w "$out"/fb/*.go
