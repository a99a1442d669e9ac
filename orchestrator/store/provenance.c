/* provenance.json: by what, where and when a run was made. Versions of libraries that can be asked
 * are those of the running ones; the others are those that were built against. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "lrsearch/version.h"
#include "store/json_value.h"
#include "store/run_dir.h"

/* "model name : ..." of the first core; "unknown" where the kernel does not tell. */
void provenance_cpu(char *out, size_t size)
{
    char line[512];
    snprintf(out, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        char *value = colon + 1 + strspn(colon + 1, " \t");
        value[strcspn(value, "\n")] = '\0';
        snprintf(out, size, "%s", value);
        break;
    }
    if (file)
        fclose(file);
}

static json_t *libraries_json(const char *mpi_library, const char *blas, bool *ok)
{
    char xxhash[32];
    unsigned number = XXH_versionNumber();
    snprintf(xxhash, sizeof(xxhash), "%u.%u.%u", number / 10000, number / 100 % 100, number % 100);
    const struct {
        const char *name, *version;
    } built[] = {
        {"libyaml", BUILT_YAML},
        {"libuv", BUILT_UV},
        {"sentencepiece", BUILT_SENTENCEPIECE},
        {"zlib", BUILT_ZLIB},
        {"openblas", BUILT_OPENBLAS},
    };
    json_t *object = json_object();
    json_put(object, "mpi", json_of_text(mpi_library ? mpi_library : "none"), ok);
    json_put(object, "blas", json_of_text(blas ? blas : "unknown"), ok);
    json_put(object, "jansson", json_string(jansson_version_str()), ok);
    json_put(object, "xxhash", json_string(xxhash), ok);
    for (size_t i = 0; i < sizeof(built) / sizeof(built[0]); i++)
        json_put(object, built[i].name, json_string(built[i].version), ok);
    return object;
}

int provenance_write(const char *path, const char *mpi_library, const char *blas,
                     const char *products, uint64_t seed, int ranks, struct lr_error *err)
{
    char by[512], cpu[256], system[512] = "unknown", started[32] = "";
    struct utsname name;
    struct tm utc;
    time_t now = time(NULL);
    bool ok = true, named = uname(&name) == 0;
    provenance_cpu(cpu, sizeof(cpu));
    if (named)
        snprintf(system, sizeof(system), "%s %s %s", name.sysname, name.release, name.machine);
    if (gmtime_r(&now, &utc))
        strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "version", json_string(LRSEARCH_VERSION), &ok);
    json_put(object, "compiler", json_string(__VERSION__), &ok);
    json_put(object, "host", json_of_text(named ? name.nodename : "unknown"), &ok);
    json_put(object, "system", json_of_text(system), &ok);
    json_put(object, "cpu", json_of_text(cpu), &ok);
    json_put(object, "ranks", json_integer(ranks), &ok);
    json_put(object, "seed", json_of_count(seed), &ok);
    json_put(object, "started_utc", json_string(started), &ok);
    json_put(object, "matmul", json_of_text(products), &ok);
    json_put(object, "matmul_by", json_of_text(trial_products_text(products, by, sizeof(by))), &ok);
    json_put(object, "libraries", libraries_json(mpi_library, blas, &ok), &ok);
    char *text = json_to_text(object, ok);
    if (!text)
        return lr_fail(err, LR_ENOMEM, "out of memory");
    int rc = run_dir_write(path, "provenance.json", text, strlen(text), err);
    lr_free(text);
    return rc;
}
