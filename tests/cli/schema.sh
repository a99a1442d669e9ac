#!/bin/sh
# The plan's JSON Schema under an independent validator: it accepts every plan in plans/ and every
# good one of the unit tests, and refuses what is wrong in the others.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
python3 -c 'import jsonschema, yaml' 2>/dev/null || skip "needs python3-jsonschema and python3-yaml"

run "$LRSEARCH" schema
expect_status 0
cp out schema.json

folders=$LRSEARCH_SOURCE_DIR/plans
for name in plan plan_errors plan_rules plan_axes plan_recipe plan_trainers; do
    mkdir "$name"
    LRSEARCH_PLAN_CASES=$work/$name
    export LRSEARCH_PLAN_CASES
    run "$(dirname "$LRSEARCH")/tests/test_$name"
    expect_status 0
    folders="$folders $work/$name"
done
unset LRSEARCH_PLAN_CASES
# shellcheck disable=SC2086 # words
run python3 -W ignore "$LRSEARCH_SOURCE_DIR/tests/cli/schema.py" schema.json $folders
expect_status 0
