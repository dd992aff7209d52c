# Stages of a test run: each is timed, all are run, and the summary names those that failed or were skipped.
# A stage that exits with 75 could not get a tool: skipped by name, but a failure on CI.

passed=() failed=() skipped=()

stage() {
    local name=$1 begin=$SECONDS code
    shift
    printf '\n=== %s\n' "$name"
    "$@" </dev/null
    code=$?
    printf '=== %s: %d s, exit %d\n' "$name" "$((SECONDS - begin))" "$code"
    if [ "$code" = 0 ]; then
        passed+=("$name")
    elif [ "$code" = 75 ] && [ "${CI:-}" != true ]; then
        skipped+=("$name")
    else
        failed+=("$name")
    fi
}

summary() {
    printf '\n'
    [ "${#skipped[@]}" = 0 ] || printf 'skipped: %s\n' "${skipped[*]}"
    [ "${#failed[@]}" = 0 ] || printf 'failed: %s\n' "${failed[*]}"
    printf 'stages: %d passed, %d failed, %d skipped in %d s\n' \
        "${#passed[@]}" "${#failed[@]}" "${#skipped[@]}" "$SECONDS"
    [ "${#failed[@]}" = 0 ]
}
