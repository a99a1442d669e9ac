/* Plans from memory: one temporary directory for a test program, one file in it. */
#include "plan_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmocka_all.h"
#include "plan/plan_load.h"

struct plan plan_case;
static char folder[] = "/tmp/lrsearch-plan-XXXXXX";

int plan_case_setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

int plan_case_teardown(void **state)
{
    (void)state;
    unlink("plan.yaml");
    return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

const char *plan_case_text(unsigned line, const char *text)
{
    static const char *const good[] = {
        "version: 1",
        "name: t",
        "model: {d_model: 64, n_layers: 2, n_heads: 2, context: 128, vocab: 256}",
        "data: {text: [a.txt]}",
        "training: {batch_tokens: 2048}",
        "search: {lr: [1e-3, 1e-1], horizons: [100k, 200k]}",
        "target: {tokens: 1M}",
        "",
    };
    static char out[8192];
    size_t used = 0;
    for (unsigned i = 0; i < 8; i++)
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%s\n",
                                 i + 1 == line ? text : good[i]);
    return out;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* LRSEARCH_PLAN_CASES names a folder that the plans go to, each as N.yaml and N.errors: for
 * tests/cli/schema.sh, which has another judge for them. */
static void keep(const char *bytes, size_t size, const char *lines)
{
    static unsigned number;
    const char *kept = getenv("LRSEARCH_PLAN_CASES");
    char path[512];
    if (!kept)
        return;
    snprintf(path, sizeof(path), "%s/%03u.yaml", kept, number);
    write_file(path, bytes, size);
    snprintf(path, sizeof(path), "%s/%03u.errors", kept, number++);
    write_file(path, lines, strlen(lines));
}

int plan_case_load_bytes(const char *bytes, size_t size, const char *const *sets, size_t set_count,
                         const char **lines)
{
    static char joined[65536];
    struct plan_errors errors;
    write_file("plan.yaml", bytes, size);
    int code = plan_load(&plan_case, "plan.yaml", sets, set_count, &errors);
    size_t used = 0;
    joined[0] = '\0';
    for (size_t i = 0; i < errors.count && used < sizeof(joined); i++)
        used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s\n", errors.lines[i]);
    plan_errors_release(&errors);
    *lines = joined;
    if (set_count == 0)
        keep(bytes, size, joined);
    return code;
}

int plan_case_load(const char *text, const char *set, const char **lines)
{
    return plan_case_load_bytes(text, strlen(text), &set, set ? 1 : 0, lines);
}

void plan_cases_must_fail(const struct plan_error_case *cases, size_t count)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < count; i++) {
        const char *lines;
        int code = plan_case_load(plan_case_text(cases[i].line, cases[i].text), NULL, &lines);
        if (code != LR_EPLAN || strcmp(lines, cases[i].errors) != 0) {
            wrong++;
            print_error("%s\n  gives %d:\n%s  not:\n%s", cases[i].text, code, lines,
                        cases[i].errors);
        }
    }
    assert_int_equal(wrong, 0);
}
