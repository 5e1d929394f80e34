#!/bin/bash
# The same bits on 64-bit Arm? Runs tests/tools/digests.py here and on an emulated aarch64 and compares, line by line.
#
#   tests/tools/arm64.sh [PYTHON]     PYTHON: an interpreter that has gansim's dependencies; python by default
#
# For Debian or Ubuntu on x86-64, with qemu-user-static (apt-get install qemu-user-static): the packages of an arm64
# Python 3.11 come through apt-get, the wheels through pip, into $ARM64_DIR or a temporary folder. Half an hour or more,
# since Numba compiles under emulation, minutes a network shape; so it is no part of the tests.
# Learned: a child process cannot be executed under qemu-user without binfmt, hence one processor (gansim then compiles
# in its own process); and qemu tells LLVM no processor name, hence NUMBA_CPU_NAME=generic.
set -euo pipefail
project=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../.."); python=${1:-python}
where=${ARM64_DIR:-$(mktemp -d)}; mkdir -p "$where"/{lists/partial,debs,root,wheels,site}; touch "$where/status"; cd "$where"

if [ ! -x root/usr/bin/python3.11 ]; then
    options="-oAPT::Architecture=arm64 -oAPT::Architectures=arm64 -oDir::State::Lists=$where/lists -oDir::State::status=$where/status"
    # shellcheck disable=SC2086
    apt-get $options update >/dev/null
    # shellcheck disable=SC2086
    (cd debs && apt-get $options download python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libstdc++6 \
        libgcc-s1 zlib1g libssl3 libexpat1 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libncursesw6 libreadline8 libuuid1 \
        libtinfo6 libcrypt1 libgomp1 >/dev/null 2>&1)
    for file in debs/*.deb; do dpkg -x "$file" root; done
fi
if [ ! -d site/numba ]; then
    "$python" -m pip freeze --exclude-editable 2>/dev/null |
        grep -viE '^(pytest|hypothesis|dask|distributed|execnet|mypy|ruff|ast.serialize|librt|.*stubs)' >wanted.txt
    "$python" -m pip download -q --no-deps --only-binary=:all: --python-version 3.11 --implementation cp \
        --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_26_aarch64 \
        --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 -d wheels -r wanted.txt
    for file in wheels/*.whl; do "$python" -m zipfile -e "$file" site; done
fi

PYTHONPATH=$project "$python" "$project/tests/tools/digests.py" | tee here.txt
PYTHONPATH=$where/site:$project NUMBA_CACHE_DIR=$where/cache NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= MPLCONFIGDIR=$where/mpl \
    taskset -c 0 qemu-aarch64-static -L root root/usr/bin/python3.11 -W ignore "$project/tests/tools/digests.py" | tee arm64.txt
cmp here.txt arm64.txt && echo "the same bits on $(uname -m) and aarch64: $(wc -l <here.txt) studies"
