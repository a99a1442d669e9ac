#!/bin/sh
# TensorBoard's event files are read by protobuf's own parser, their checksums by a table of the
# reader's own.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

python=/usr/bin/python3 # for which Debian's packages are
$python -c 'import google.protobuf' 2>/dev/null || skip "needs python3-protobuf"

tiny_plan tiny.yaml
run "$LRSEARCH" tiny.yaml -q
for format in csv tensorboard; do
    run "$LRSEARCH" export logs/tiny --format $format -o out.$format
    expect_status 0
done

run $python "$LRSEARCH_SOURCE_DIR/tests/cli/read_tensorboard.py" out.tensorboard out.csv
expect_status 0
# the reader can fail
printf 'x' | dd of=out.tensorboard/trial-0001/events.out.tfevents.0.lrsearch bs=1 seek=70 \
    conv=notrunc 2>/dev/null
run $python "$LRSEARCH_SOURCE_DIR/tests/cli/read_tensorboard.py" out.tensorboard out.csv
[ "$status" -ne 0 ] || fail "the reader takes a damaged file"
