#!/bin/sh
# No name runs a command, on none of the ways by which one reaches a child process (gnuplot, the
# commands of users, the shell of run.sh): the file of that very name is made, or the name is
# refused. And none reaches the terminal with what a terminal obeys.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

replay_plan
if command -v gnuplot >/dev/null 2>&1; then
    drawn=svg
else
    drawn=svg.gp
fi
tried=0
safe() # after each command
{
    tried=$((tried + 1))
    found=$(find "$work" -name 'PWNED*' ! -name '*[!A-Z]*')
    [ -z "$found" ] || fail "a name was run as a command"
}
answered()
{
    safe
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
}

run "$LRSEARCH" replay.yaml -q --run-dir=base
answered
for name in '|touch PWNED;' '<touch PWNED;' '`touch PWNED`' '$(touch PWNED)' '-e' '-' ';touch PWNED;' \
    "a'; system 'touch PWNED'; '" "a'.system('touch PWNED').'" 'a"`touch PWNED`"b' '@touch' '%s%n%s' \
    'a b\n*[?]'; do
    cp -r base "./$name"
    rm -r "./$name/figures" "./$name/report.html"
    run "$LRSEARCH" report -- "$name"
    answered
    expect_file "./$name/figures/horizon.$drawn" "./$name/report.html"
    run "$LRSEARCH" export --format sqlite --out="$name.db" -- "$name"
    answered
    expect_file "./$name.db"
    run "$LRSEARCH" history --plot="$name.svg" .
    answered
    expect_file "./$name.$drawn"
    rm "./$name.$drawn" "./$name.db"
done

# A figure takes the place of no device, pipe or folder. (The last as /dev/stdout.)
mkdir folder.svg
mkfifo pipe.svg
ln -s /dev/null device.svg
ln -s /proc/self/fd/1 stream.svg
for name in folder pipe device stream; do
    before=$(stat -c '%F %N %i' $name.svg)
    run "$LRSEARCH" history --plot=$name.svg .
    expect_status 73
    expect_err "$name.svg: is no regular file, and a new file would take its place; choose another name"
    [ "$(stat -c '%F %N %i' $name.svg)" = "$before" ] || fail "$name.svg was replaced"
    rm -r $name.svg
    tried=$((tried + 1))
done

# As output.dir and as the folder of a plan, whose command runs there.
for name in '|touch PWNED;' '<touch PWNED' "a'; touch PWNED; '" '$(touch PWNED)' '-e'; do
    mkdir "./$name.d"
    cat >"./$name.d/plan.yaml" <<'END'
version: 1
name: command
trainer: {kind: command, argv: [./train, "{lr}", "{tokens}"], report: {prefix: "loss "}}
search: {lr: [1e-3, 4e-3], horizons: [1M, 2M], policy: grid}
target: {tokens: 64M}
END
    cat >"./$name.d/train" <<'END'
#!/bin/sh
echo 'loss {"loss": 3.5, "final": true}'
END
    chmod +x "./$name.d/train"
    yaml=$(printf '%s' "$name.out" | sed "s/'/''/g")
    run "$LRSEARCH" -q "./$name.d/plan.yaml" --set "output.dir='$yaml'"
    answered
    expect_file "./$name.out/figures/horizon.$drawn" "./$name.out/report.html"
done

# One figure by the other way, of activations.
tiny_plan tiny.yaml
for name in '|touch PWNED;.svg' '<touch PWNED.svg'; do
    run "$LRSEARCH" coord-check tiny.yaml --widths 8,16,24,32 --seeds 1 --steps 1 --plot="$name"
    safe
    [ -s "./$name" ] || [ -s "./$name.gp" ] || fail "--plot $name: nothing was drawn"
done

# A control character is refused wherever a name is given.
places='--run-dir=@ replay.yaml
report @
status @
history @
fit @
history --plot=@ .
train tiny.yaml --save=@
export x --format csv --out=@
check @'
for name in "$(printf 'a\nb')" "$(printf 'a\033[31mb')" "$(printf 'a\302\233b')" "$(printf 'a\tb')"; do
    while read -r words; do
        set --
        for word in $words; do
            case $word in
            *@) set -- "$@" "${word%@}$name" ;;
            *) set -- "$@" "$word" ;;
            esac
        done
        run "$LRSEARCH" "$@"
        expect_status 2
        expect_err "holds a control character; rename it"
        tried=$((tried + 1))
        expect_err_lines 1
        LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\\|\302\233')" err &&
            fail "the terminal is told: $(od -c err)"
    done <<END
$places
END
done

# ---- what goes to the terminal ----

expect_plain() # no control, no bidirectional override, in out and err
{
    LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\\|\302[\200-\237]\\|\342\200\256')" out err &&
        fail "a terminal would obey: $(od -c out err | head -40)"
    tried=$((tried + 1))
}
mkdir -m 700 logs
cp -r base logs/good
nasty=$(printf 'n\302\233 31m\342\200\256txt')
printf '%s\n' 'version: 1' '"k\x9b 31m\u202e": 1' 'name: "an\x9b 31m\u202etxt"' >nasty.yaml
run "$LRSEARCH" nasty.yaml
expect_status 65
expect_err 'name: "an? 31m?txt" is no file name'
expect_plain
sed 's/^name: .*/name: replay/; 2d' nasty.yaml >fine.yaml
cat >>fine.yaml <<'END'
trainer: {kind: command, argv: ["./a\x9b31m\u202eb", "{lr}\e[31m"], report: {prefix: "loss "}}
search: {lr: [1e-3, 1e-1], horizons: [1M, 2M], policy: grid}
target: {tokens: 64M}
END
for json in "" --json; do
    # shellcheck disable=SC2086 # a word or none
    run "$LRSEARCH" check fine.yaml $json
    expect_status 0
    expect_plain
done
mv logs/good "logs/$nasty" # as another user of the folder names a run
for words in "status logs/@" "fit logs/@" "compare logs/@ logs/@" "history --rebuild logs" \
    "history logs" "history logs --json" "report logs/@" "report logs/@ --json"; do
    set --
    for word in $words; do
        case $word in
        *@) set -- "$@" "${word%@}$(printf 'n\342\200\256txt')" ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    ln -sfn "$nasty" "logs/$(printf 'n\342\200\256txt')"
    run "$LRSEARCH" "$@"
    expect_plain
done
run "$LRSEARCH" history logs
expect_out 'n? 31m?txt'

# Names of its own beside the runs.
for name in latest cache history.db; do
    refused 2 "--fork $name: is a name that lrsearch uses itself" replay.yaml --fork $name
    run "$LRSEARCH" replay.yaml --run-dir logs/new/$name
    expect_status 73
    expect_err "logs/new/$name: is a name that lrsearch uses itself beside the runs"
done
echo "$tried tries"
