#!/usr/bin/env bash
# First light on a GPU: all that is to be learned there, in one call of eight minutes at most.
#
#     benchmarks/gpu/first_light.sh RESULTS [CARRIED]
#
# RESULTS is a folder; CARRIED, by default build/gpu, is what pack.sh made. It runs in a copy of a
# checkout's files, where nothing of Simquay is installed: it needs Python 3.10 or later with NumPy,
# psutil and CuPy; pytest, with pytest-xdist and pytest-timeout, for (c) and (e); Numba for (d) and
# (h). It needs no Qiskit, no git and no network.
#
# The stages are in the order of their worth. Each step has a time limit of its own and a file of
# its own, and none stops the next. As each ends, all files are packed into
# RESULTS/first_light.tar.gz, and a line says how it ended (124: by its limit).
#
# STAGES=abh runs these alone, SECONDS_IN_ALL=300 ends sooner. LARGE, SMALL and such are the sizes.
set -u -o pipefail

results=$(mkdir -p "${1:?the folder for the results}" && cd "$1" && pwd) || exit 2
cd "$(dirname "$0")/../.." || exit 2
carried=${2:-build/gpu}
stages=${STAGES:-abcdefgh}
ends=$((SECONDS + ${SECONDS_IN_ALL:-480}))
read -ra large <<<"${LARGE:-30 28}"           # qubits, of (d)
read -ra crossover <<<"${CROSSOVER:-8 12 16 20}"
read -ra tuned <<<"${TUNED:-28}"              # of (f) and (g)
read -ra replayed <<<"${REPLAYED:-16 20 22}"  # of (g)
read -ra scaled <<<"${SCALED:-24 27}"         # of (h)
read -ra agreement <<<"${AGREEMENT:-}"        # options of (b)
read -ra knobs <<<"${KNOBS:-low replay blocks tile}"

work=$(mktemp -d)
mkdir "$work/first_light" "$work/site"
for wheel in "$carried"/*.whl; do
    [ -e "$wheel" ] && python3 -m zipfile -e "$wheel" "$work/site"
done
commit=$(cat "$carried/commit" 2>/dev/null || echo unknown)
export PYTHONPATH=src:plugins/simquay-cupy/src:plugins/simquay-numba/src:$work/site
export PYTHONUNBUFFERED=1

# step FILE SECONDS COMMAND...
step() {
    local file=$1 limit=$2 began=$SECONDS code=skipped
    shift 2
    case $stages in *"${file%%-*}"*) ;; *) return ;; esac
    [ $((ends - SECONDS)) -lt "$limit" ] && limit=$((ends - SECONDS))
    if [ "$limit" -gt 0 ]; then
        timeout --kill-after=5 "$limit" "$@" >"$work/first_light/$file.txt" 2>&1
        code=$?
    fi
    echo "$file: ended with $code after $((SECONDS - began)) s" |
        tee -a "$work/first_light/summary.txt"
    tar -czf "$results/part" -C "$work" first_light && mv "$results/part" "$results/first_light.tar.gz"
}

benchmark() { # FILE SECONDS MODULE OPTIONS...: its JSON file beside the text
    local file=$1 limit=$2 module=$3
    shift 3
    step "$file" "$limit" python3 -m "$module" --commit "$commit" \
        --json "$work/first_light/$file.json" "$@"
}

tests=plugins/simquay-cupy/tests
options=(-q -m gpu -W default -p no:cacheprovider -p no:benchmark)
# The other method for the timeout cannot end a call that hangs. Four processes: after a sticky error
# of CUDA, all other tests of a process fail.
many=("${options[@]}" -n "${WORKERS:-4}" --maxfail=20 --timeout=60 --timeout-method=thread)
quick=("$tests"/test_engine{,_kit,_sweeps}.py "$tests"/test_kernel_tile_pass.py
    "$tests"/test_plans.py "$tests"/test_reading.py "$tests"/test_states.py)

device() {
    nvidia-smi
    nvcc --version
    python3 -m pip list
    python3 -m benchmarks.gpu.facts "$commit"
}
export -f device
export commit

sanitizer() { # TOOL
    CUPY_TESTS_WITHOUT_POOL=1 step "e-$1" 35 compute-sanitizer --tool "$1" --error-exitcode 9 \
        python3 -m pytest "${options[@]}" "$tests" \
        -k "random_passes or stores_more or is_read or projection or replays_do"
}

counters() { # FILE KERNEL LAUNCHES PRECISION
    step "$1" 25 ncu --clock-control none --kernel-name "regex:$2" --launch-count "$3" --kill yes \
        --section SpeedOfLight --section SchedulerStats --section WarpStateStats \
        --section Occupancy --section LaunchStats --section MemoryWorkloadAnalysis \
        python3 -m benchmarks.gpu.engine --qubits "${tuned[@]}" --precisions "$4" --families qv \
        --check-qubits --cpu-qubits --repeats 1
}

step a-device 30 bash -c device
step b-agreement 90 python3 -m benchmarks.gpu.agreement "${agreement[@]}"
step c-tests-quick 60 python3 -m pytest "${many[@]}" "${quick[@]}"
step c-tests-others 60 python3 -m pytest "${many[@]}" "$tests" "${quick[@]/#/--ignore=}"
benchmark d-engine 110 benchmarks.gpu.engine --qubits "${large[@]}" --repeats 3 --check-qubits \
    --cpu-qubits "${large[-1]}" --custatevec "$work/site"
benchmark d-small 45 benchmarks.gpu.small --families qv qaoa tfim --replay-qubits "${replayed[@]}" \
    --cpu-qubits "${crossover[@]}"
sanitizer racecheck
sanitizer memcheck
counters f-tile-pass-double tile_pass_double 2 double
counters f-tile-pass-single tile_pass_single 2 single
counters f-string-sums string_sums 1 single
benchmark g-knobs 60 benchmarks.gpu.knobs --qubits "${tuned[@]}" --knobs "${knobs[@]}" \
    --replay-qubits "${replayed[@]}"
benchmark h-threads 60 benchmarks.cpu.threads --qubits "${scaled[@]}"
rm -r "$work"
