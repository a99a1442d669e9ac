#!/bin/sh
# check_layers.sh must find each kind of breach, and nothing in a tree without one: every case below
# plants one line in a small tree and names what has to be said about it.
set -u
check=${LRSEARCH_SOURCE_DIR:?}/tests/check_layers.sh
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failures=0

make_tree()
{
    rm -rf "${tree:?}/"*
    for folder in plan search campaign sched net store report cli; do
        mkdir -p "$tree/orchestrator/$folder"
        echo "int ${folder}_x;" >"$tree/orchestrator/$folder/$folder.h"
    done
    for folder in kernels model trainers trainers/transformer data; do
        mkdir -p "$tree/worker/$folder"
        name=${folder##*/}
        echo "int ${name}_x;" >"$tree/worker/$folder/$name.h"
    done
    mkdir -p "$tree/include/lrsearch" "$tree/common" "$tree/tests"
    printf '#include <stdint.h>\n' >"$tree/include/lrsearch/message.h"
    printf '#include "plan/plan.h"\n' >"$tree/orchestrator/campaign/good.c"
    printf '#include <mpi.h>\n#include "lrsearch/message.h"\n' >"$tree/orchestrator/net/transport.c"
    printf '#include "data/data.h"\n' >"$tree/worker/trainers/transformer/step.c"
}

case_of() # FILE LINE-TO-PLANT WHAT-MUST-BE-SAID
{
    make_tree
    printf '/* first */\n%s\n' "$2" >>"$tree/$1"
    said=$(sh "$check" "$tree" 2>&1)
    status=$?
    if [ "$status" -ne 1 ]; then
        echo "$1, $2: exit status $status instead of 1"
        failures=$((failures + 1))
    fi
    case $said in
    "$1:2: "*"$3"*) ;;
    *)
        echo "$1, $2: must say '$1:2: ...$3...', said: $said"
        failures=$((failures + 1))
        ;;
    esac
}

make_tree
if ! said=$(sh "$check" "$tree" 2>&1); then
    echo "a tree without a breach is refused: $said"
    failures=$((failures + 1))
fi

case_of orchestrator/sched/a.c '#include "net/net.h"' \
    'orchestrator/sched may not include orchestrator/net/net.h'
case_of orchestrator/search/a.c '#include "plan/plan.h"' \
    'orchestrator/search may not include orchestrator/plan/plan.h'
case_of orchestrator/campaign/a.c '  # include "store/store.h"' \
    'orchestrator/campaign may not include orchestrator/store/store.h'
case_of orchestrator/store/a.c '#include "sched/sched.h"' 'may not include'
case_of orchestrator/net/a.c '#include "campaign/campaign.h"' 'may not include'
case_of orchestrator/report/a.c '#include "campaign/campaign.h"' 'may not include'
case_of worker/model/a.c '#include "trainers/trainers.h"' 'worker/model may not include worker/trainers/trainers.h'
case_of worker/data/a.c '#include "model/model.h"' 'may not include'
case_of worker/kernels/a.c '#include "lrsearch/message.h"' 'worker/kernels may not include'
case_of worker/kernels/a.c '#include <sys/socket.h>' 'C standard headers only'
case_of worker/trainers/a.c '#include "plan/plan.h"' 'may not include orchestrator/plan/plan.h'
case_of include/lrsearch/a.h '#include "net/net.h"' 'include/lrsearch may not include'
case_of include/lrsearch/a.h '#include <jansson.h>' 'C standard headers only'
case_of orchestrator/cli/a.c '#include <mpi.h>' '<mpi.h> is for'
case_of orchestrator/sched/a.c '#include <uv.h>' '<uv.h> is for'
case_of worker/trainers/a.c '#include <yaml.h>' '<yaml.h> is for'
case_of worker/model/a.c '#include <cblas.h>' '<cblas.h> is for'
case_of worker/model/a.c '#include "../kernels/kernels.h"' 'no .. in includes'
case_of worker/model/a.c '#include "kernels/missing.h"' 'no such file'
case_of worker/model/a.c '#include HEADER' 'computed include'
case_of worker/model/a.c "/* TO""DO */" 'finish it'
case_of worker/CMakeLists.txt "target_compile_options(x -O""fast)" 'isnan()'

# Those that are not about line 2.
make_tree
echo 'int x;' >"$tree/worker/data/good.c"
said=$(sh "$check" "$tree") && failures=$((failures + 1))
case $said in
*"worker/data/good.c:1: file names are unique in the tree: also orchestrator/campaign/good.c"*) ;;
*)
    echo "two files of one name: said $said"
    failures=$((failures + 1))
    ;;
esac
make_tree
printf '#include <yaml.h>\n' >"$tree/orchestrator/plan/one.c"
printf '#include <yaml.h>\n' >"$tree/orchestrator/plan/two.c"
said=$(sh "$check" "$tree") && failures=$((failures + 1))
case $said in
*"orchestrator/plan/two.c:1: <yaml.h> is for one file only"*) ;;
*)
    echo "two files with yaml.h: said $said"
    failures=$((failures + 1))
    ;;
esac
make_tree
awk 'BEGIN { for (i = 0; i < 801; i++) print "int x" i ";" }' >"$tree/worker/data/long.c"
said=$(sh "$check" "$tree") && failures=$((failures + 1))
case $said in
*"worker/data/long.c:801: no file above 800 lines (801)"*) ;;
*)
    echo "a file of 801 lines: said $said"
    failures=$((failures + 1))
    ;;
esac
make_tree
rm "$tree"/orchestrator/*/*.c "$tree"/worker/trainers/transformer/*.c
awk 'BEGIN { for (i = 0; i < 21; i++) print "int x" i ";" }' >"$tree/orchestrator/report/one_figure.c"
said=$(sh "$check" --fragments "$tree") || {
    echo "--fragments finds one where there is none: $said"
    failures=$((failures + 1))
}
printf '#include "plan/short.h"\n' >"$tree/orchestrator/plan/short.c"
cp "$tree/orchestrator/report/one_figure.c" "$tree/orchestrator/report/alone.c"
said=$(sh "$check" --fragments "$tree") && failures=$((failures + 1))
for words in "orchestrator/plan/short.c:1: a file of 1 lines belongs into its neighbour" \
    "orchestrator/report/alone.c:1: includes no alone.h" "2 fragments"; do
    case $said in
    *"$words"*) ;;
    *)
        echo "--fragments must say '$words', said: $said"
        failures=$((failures + 1))
        ;;
    esac
done

[ "$failures" -eq 0 ] || exit 1
echo "every breach was found"
