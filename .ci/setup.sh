# Sourced by run.sh and test.sh: Debian packages from packages.txt, and a quiet CMake build. Expects
# $root (the checkout). Everything it says goes to stderr; stdout belongs to lrsearch.
# shellcheck shell=sh disable=SC2154 # root is the caller's

say()
{
    printf '%s\n' "$*" >&2
}

die() # STATUS TEXT...
{
    die_status=$1
    shift
    say "${0##*/}: $*"
    exit "$die_status"
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() # apt-get as root, asking nothing; waits for another apt to end
{
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@"
}

apt_update()
{
    [ -z "${apt_updated:-}" ] || return 0
    say "refreshing the package lists (apt-get update)"
    apt update >>"$setup_log" 2>&1 && apt_updated=1
}

have_apt_lists()
{
    for list in /var/lib/apt/lists/*_Packages*; do
        [ ! -e "$list" ] || return 0
    done
    return 1
}

wanted_packages() # GROUP...: the names in packages.txt, in its order
{
    for group in "$@"; do
        sed -n "s/^\([a-z0-9.+-]*\)  *$group\( .*\)*\$/\1/p" "$root/packages.txt"
    done
}

# Installs what is missing of the groups. When nothing is missing, apt is not called.
need_packages() # GROUP...
{
    [ -z "${LRSEARCH_SKIP_PACKAGES:-}" ] || return 0
    if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        say "This is not a Debian system: install the counterparts of these Debian 12 packages,"
        say "then run again with LRSEARCH_SKIP_PACKAGES=1 in the environment:"
        for package in $(wanted_packages "$@"); do
            say "  $package"
        done
        exit 70
    fi
    missing=
    for package in $(wanted_packages "$@"); do
        # shellcheck disable=SC2016 # dpkg-query fills in ${...}
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0

    say "missing packages:$missing"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null 2>&1; then
        die 70 "neither root nor sudo: have these installed with apt-get, then run again"
    fi
    setup_log=$(mktemp) || die 70 "cannot make a temporary file"
    have_apt_lists || apt_update || :
    say "installing them (apt-get install)"
    # shellcheck disable=SC2086 # a list of words
    if ! apt install --no-install-recommends $missing >>"$setup_log" 2>&1; then
        # Old lists name versions that the mirror no longer has.
        if [ -n "${apt_updated:-}" ] || ! apt_update ||
            ! apt install --no-install-recommends $missing >>"$setup_log" 2>&1; then
            tail -n 20 "$setup_log" >&2
            die 70 "apt-get could not install the packages (whole log: $setup_log)"
        fi
    fi
    rm -f "$setup_log"
}

show_build_progress() # PID LOG: "[12/90]" while PID runs, on a terminal
{
    if [ ! -t 2 ]; then
        return 0
    fi
    while kill -0 "$1" 2>/dev/null; do
        step=$(tail -n 1 "$2" 2>/dev/null | sed -n 's/^\(\[[^]]*\]\).*/\1/p')
        [ -z "$step" ] || printf '\r  %s \033[K' "$step" >&2
        sleep 1
    done
    printf '\r\033[K' >&2
}

cached_folder() # FOLDER ENTRY: a folder that is named in its CMakeCache.txt
{
    sed -n "s/^$2:[A-Z]*=//p" "$1/CMakeCache.txt" 2>/dev/null
}

same_folder() # FOLDER FOLDER
{
    [ "$(cd -P "$1" 2>/dev/null && pwd)" = "$(cd -P "$2" && pwd)" ]
}

# CMake refuses a cache from before the checkout was moved or copied. What else is in the folder is
# kept; the compiler's command lines differ, so that everything is compiled again.
forget_moved() # FOLDER
{
    for entry in "CMAKE_CACHEFILE_DIR=$1" "CMAKE_HOME_DIRECTORY=$root"; do
        then=$(cached_folder "$1" "${entry%%=*}")
        if [ -n "$then" ] && ! same_folder "$then" "${entry#*=}"; then
            say "${1#"$root"/}/ was built in $then: configuring it again"
            rm -rf "$1/CMakeCache.txt" "$1/CMakeFiles"
            return
        fi
    done
}

# Configures once and builds; silent but for one line, the log is shown when it fails. The targets
# in $build_target are built, or all.
build() # FOLDER CMAKE-OPTION...
{
    folder=$1
    shift
    log=$folder/build.log
    mkdir -p "$folder" || die 73 "cannot make $folder"
    generator=
    forget_moved "$folder"
    if [ ! -f "$folder/CMakeCache.txt" ]; then
        say "building in ${folder#"$root"/}/ (log: ${folder#"$root"/}/build.log)"
        if command -v ninja >/dev/null 2>&1; then
            generator=-GNinja
        fi
    fi
    # shellcheck disable=SC2086 # no generator: no argument
    if ! cmake $generator -S "$root" -B "$folder" "$@" >"$log" 2>&1; then
        cat "$log" >&2
        die 70 "cmake could not configure $folder"
    fi
    # shellcheck disable=SC2086 # targets are words
    cmake --build "$folder" --target ${build_target:-all} --parallel "$(nproc)" >>"$log" 2>&1 &
    builder=$!
    show_build_progress "$builder" "$log"
    if ! wait "$builder"; then
        if grep -q '^FAILED:' "$log"; then
            sed -n '/^FAILED:/,$p' "$log" | head -n 60 >&2
        else
            tail -n 60 "$log" >&2
        fi
        die 70 "the build in $folder failed (whole log: $log)"
    fi
}
