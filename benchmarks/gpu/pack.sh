#!/usr/bin/env bash
# What first_light.sh needs beside a checkout's files, in one folder of the checkout.
#
#     benchmarks/gpu/pack.sh [FOLDER [REQUIREMENT...]]
#
# FOLDER, by default build/gpu, gets wheels for Python 3.12 on x86-64, by default cuStateVec's, and
# the commit. It fails if they and the files that git does not ignore take more than 64 MiB.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
folder=${1:-build/gpu}
shift || true
[ $# -gt 0 ] || set -- custatevec-cu13==1.15.0
rm -rf "$folder"
mkdir -p "$folder"
"${PYTHON:-python3}" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 3.12 --implementation cp --platform manylinux_2_28_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 --dest "$folder" "$@"
git describe --always --dirty --exclude='*' >"$folder/commit"
size() { du -cb --files0-from=- | tail -n 1 | cut -f 1; }
tree=$(git ls-files -z --cached --others --exclude-standard | size)
carried=$(find "$folder" -type f -print0 | size)
echo "$tree bytes of files, $carried bytes in $folder; $((64 << 20)) may be carried"
[ $((tree + carried)) -le $((64 << 20)) ]
