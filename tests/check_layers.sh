#!/bin/sh
# usage: check_layers.sh [--fragments] [ROOT]
#
# Holds the tree to its architecture, from the #include lines as they are. The table of folders says
# what each may include, as docs/architecture.md does. Each breach is printed as
# "file:line: rule"; exit 1 when there is one. An #include "x" is resolved as the compiler does it
# (beside the file, then include/, orchestrator/, worker/), and the rules are about the resolved
# file.
#
# --fragments prints instead what belongs into a neighbour: a .c of 20 lines or fewer, and one that
# includes no header of its own name though others must be able to use it. Exit 1 when there is one.
set -u
fragments=0
if [ "${1:-}" = --fragments ]; then
    fragments=1
    shift
fi
root=${1:-$(dirname "$0")/..}
cd "$root" || exit 2

find include common orchestrator worker tests -type f \
    \( -name '*.c' -o -name '*.h' -o -name '*.cc' -o -name '*.sh' -o -name CMakeLists.txt \) |
    LC_ALL=C sort | LC_ALL=C awk -v fragments="$fragments" '
function rule(folder, project, system_headers) { # what a folder may include beside itself
    folders[++folder_count] = folder
    project_of[folder] = project
    system_of[folder] = system_headers
}
BEGIN {
    c = " assert ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign" \
        " stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads" \
        " time uchar wchar wctype "
    split(c, names, " ")
    for (i in names) standard[names[i] ".h"] = 1

    # A folder may include itself and include/lrsearch; project: prefixes of further files;
    # system: "c" for C standard headers alone (+ what is named), "any" for any but those below.
    rule("include/lrsearch", "", "c")
    rule("common", "", "any")
    rule("orchestrator/plan", "orchestrator/search/laws/", "any")
    rule("orchestrator/search", "orchestrator/search/", "any")
    rule("orchestrator/search/laws", "orchestrator/search/", "any")
    rule("orchestrator/campaign", "orchestrator/plan/plan.h orchestrator/search/search_space.h orchestrator/search/policy.h orchestrator/search/search_answer.h orchestrator/search/loss_curves.h orchestrator/search/laws/", "any")
    rule("orchestrator/sched", "orchestrator/campaign/trial_state.h", "any")
    rule("orchestrator/net", "", "any")
    rule("orchestrator/store", "orchestrator/campaign/event.h orchestrator/campaign/trial_state.h", "any")
    rule("orchestrator/history", "orchestrator/store/ orchestrator/campaign/ orchestrator/plan/ orchestrator/search/laws/", "any")
    rule("orchestrator/report", "orchestrator/store/ orchestrator/history/ orchestrator/search/loss_penalty.h orchestrator/search/loss_curves.h orchestrator/search/laws/", "any")
    rule("orchestrator/export", "orchestrator/campaign/ orchestrator/plan/plan.h orchestrator/store/", "any")
    rule("orchestrator/coordinator", "orchestrator/plan/ orchestrator/campaign/ orchestrator/sched/ orchestrator/net/ orchestrator/store/", "any")
    rule("orchestrator/prepare", "orchestrator/plan/ orchestrator/store/ orchestrator/campaign/event.h orchestrator/net/launch.h worker/", "any")
    rule("orchestrator/estimate", "orchestrator/plan/ orchestrator/campaign/ orchestrator/search/search_space.h orchestrator/search/policy.h orchestrator/search/search_answer.h orchestrator/search/laws/ orchestrator/search/numerics.h orchestrator/prepare/ orchestrator/report/ orchestrator/sched/width.h worker/", "any")
    rule("orchestrator/cli", "orchestrator/ worker/", "any")
    rule("orchestrator", "orchestrator/ worker/", "any")
    rule("worker/kernels", "-include/", "c cblas.h dnnl.h omp.h pthread.h immintrin.h cpuid.h sys/syscall.h unistd.h")
    rule("worker/model", "worker/kernels/", "any")
    rule("worker/data", "", "any")
    rule("worker/trainers", "worker/trainers/", "any")
    rule("worker/trainers/transformer", "worker/trainers/trainer.h worker/model/ worker/kernels/ worker/data/", "any")
    rule("worker/trainers/command", "worker/trainers/trainer.h", "any")
    rule("worker/trainers/replay", "worker/trainers/trainer.h worker/data/", "any")
    rule("worker/trainers/simulate", "worker/trainers/trainer.h", "any")
    rule("worker", "worker/", "any")
    rule("tests", "include/ orchestrator/ worker/ tests/", "any")

    # Headers of the libraries that only some folders may know. provenance.c asks them their
    # version.
    versions = "orchestrator/store/provenance.c"
    only["mpi.h"] = only["mpi-ext.h"] = "orchestrator/net/ orchestrator/main.c tests/"
    only["uv.h"] = "orchestrator/net/ worker/trainers/command/ " versions " tests/"
    only["pcre2.h"] = "orchestrator/plan/check_trainer.c worker/trainers/command/ " versions " tests/"
    only["sqlite3.h"] = "orchestrator/history/ orchestrator/export/ " versions " tests/"
    only["yaml.h"] = "orchestrator/plan/ " versions " tests/"
    only["omp.h"] = only["immintrin.h"] = "worker/kernels/"
    only["cblas.h"] = "worker/kernels/ tests/"
    only["dnnl.h"] = "worker/kernels/"
    only["csv.h"] = "worker/data/ worker/trainers/command/ " versions " tests/"
    only["sentencepiece_processor.h"] = only["sentencepiece_trainer.h"] = "worker/data/ tests/"
}
# Members of a kind, which one header declares together: commands, figures, exporters, kernels.
function is_of_a_kind(path) {
    return path ~ /^orchestrator\/(main|cli\/cmd_[a-z_]*|report\/[a-z]*_figure|export\/[a-z_]*)\.c$/ ||
           path ~ /^worker\/kernels\// || path ~ /^tests\//
}
function check_fragment(    line, base, header, lines, own) {
    if (file !~ /\.(c|cc)$/ || is_of_a_kind(file)) return
    base = file
    sub(/.*\//, "", base)
    header = base
    sub(/\.(c|cc)$/, ".h", header)
    while ((getline line < file) > 0) {
        lines++
        if (line ~ /^#include "/ && index(line, "/" header "\"") + index(line, "\"" header "\"")) own = 1
    }
    close(file)
    if (lines <= 20) broken(1, "a file of " lines " lines belongs into its neighbour")
    if (!own) broken(1, "includes no " header)
}
function broken(line, text) {
    printf "%s:%d: %s\n", file, line, text
    breaches++
}
function starts_with_one(path, prefixes,    list, n, i) {
    n = split(prefixes, list, " ")
    for (i = 1; i <= n; i++)
        if (index(path, list[i]) == 1) return 1
    return 0
}
function folder_of(path,    i, best) { # the longest rule that fits
    best = ""
    for (i = 1; i <= folder_count; i++)
        if (index(path, folders[i] "/") == 1 && length(folders[i]) > length(best)) best = folders[i]
    return best
}
function resolve(name,    dir) {
    dir = file
    sub(/\/[^\/]*$/, "", dir)
    if ((dir "/" name) in exists) return dir "/" name
    if (("include/" name) in exists) return "include/" name
    # "net/x.h" may stand on both sides; the own side comes first.
    side = file ~ /^worker\// ? "worker/" : "orchestrator/"
    if ((side name) in exists) return side name
    if (("orchestrator/" name) in exists) return "orchestrator/" name
    if (("worker/" name) in exists) return "worker/" name
    if (("tests/lib/" name) in exists) return "tests/lib/" name
    return ""
}
function check_own(name, line,    target) {
    if (name ~ /\.\./) {
        broken(line, "include of \"" name "\": no .. in includes")
        return
    }
    target = resolve(name)
    if (target == "") {
        broken(line, "include of \"" name "\": there is no such file in the tree")
        return
    }
    if (folder_of(target) == folder && folder != "orchestrator" && folder != "worker") return
    if (index(target, "include/") == 1 && project_of[folder] !~ /^-include/) return
    if (!starts_with_one(target, project_of[folder]))
        broken(line, folder " may not include " target)
}
function check_system(name, line,    allowed) {
    if (name in only && !starts_with_one(file, only[name])) {
        broken(line, "<" name "> is for " only[name] " only")
        return
    }
    if (name == "yaml.h" && file != versions && file ~ /^orchestrator\//) {
        if (yaml_file != "" && yaml_file != file)
            broken(line, "<yaml.h> is for one file only, and " yaml_file " has it")
        yaml_file = file
    }
    allowed = system_of[folder]
    if (allowed != "any" && !(name in standard) && index(" " allowed " ", " " name " ") == 0)
        broken(line, folder " may include C standard headers only, not <" name ">")
}
function check_file(    line, n, name, base) {
    base = file
    sub(/.*\//, "", base)
    if (base != "CMakeLists.txt") {
        if (base in first) broken(1, "file names are unique in the tree: also " first[base])
        else first[base] = file
    }
    folder = folder_of(file)
    source = file ~ /\.(c|h|cc)$/
    n = 0
    while ((getline line < file) > 0) {
        n++
        if (source && line ~ /^[ \t]*#[ \t]*include[ \t]*"/) {
            name = line
            sub(/^[^"]*"/, "", name)
            sub(/".*/, "", name)
            check_own(name, n)
        } else if (source && line ~ /^[ \t]*#[ \t]*include[ \t]*</) {
            name = line
            sub(/^[^<]*</, "", name)
            sub(/>.*/, "", name)
            check_system(name, n)
        } else if (source && line ~ /^[ \t]*#[ \t]*include/) {
            broken(n, "computed include: cannot be checked")
        }
        # Spelled in two parts, so that this file does not find itself.
        if (line ~ ("TO" "DO|FIX" "ME")) broken(n, "no TO" "DO and no FIX" "ME: finish it or file it")
        if (line ~ ("-O" "fast") ||
            line ~ ("-ffast" "-math") && !(line ~ /-fno-finite-math-only/ && file ~ /^worker\/kernels\//))
            broken(n, "-O" "fast and -ffast" "-math compile isnan() away")
    }
    close(file)
    if (n > 800) broken(801, "no file above 800 lines (" n ")")
}
{ files[++file_count] = $0; exists[$0] = 1 }
END {
    if (file_count == 0) {
        print "check_layers.sh: no files found"
        exit 2
    }
    for (f = 1; f <= file_count; f++) {
        file = files[f]
        if (fragments) check_fragment()
        else check_file()
    }
    if (breaches > 0) {
        if (fragments) printf "%d fragment%s\n", breaches, breaches == 1 ? "" : "s"
        else printf "%d breach%s of the include rules\n", breaches, breaches == 1 ? "" : "es"
        exit 1
    }
    printf "%d files keep the rules\n", file_count
}'
