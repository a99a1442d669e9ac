/* The program and its libraries, and provenance.json: program, hosts and times of a run, from the
 * SESSION events of the journal. Versions are those of the libraries that are loaded, except of
 * libcsv and sentencepiece, which cannot be asked: those that lrsearch was built with. */
#include "store/provenance.h"

#include <csv.h>
#include <jansson.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <uv.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>
#include "lrsearch/memory.h"
#include "lrsearch/printable.h"
#include "lrsearch/utc.h"
#include "lrsearch/version.h"
#include "store/event_json.h"
#include "store/json_value.h"
#include "store/run_dir.h"

/* The "model name : ..." of the first core; "unknown" if the kernel does not give it. */
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

/* Weak: the program has its own, in a file that the build writes (cmake/commit.cmake), so that a
 * new commit compiles one file and links one program instead of all tests. */
__attribute__((weak)) const char *provenance_commit(void)
{
    return "unknown";
}

static void name_compiler(char *out, size_t size)
{
#ifdef __clang__
    snprintf(out, size, "%s", __VERSION__); /* "Debian Clang 14.0.6" */
#else
    snprintf(out, size, "gcc %s", __VERSION__);
#endif
}

static void name_libraries(char *out, size_t size)
{
    unsigned number = XXH_versionNumber();
    char pcre2[32] = ""; /* "10.42 2022-12-11" */
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(pcre2))
        pcre2_config(PCRE2_CONFIG_VERSION, pcre2);
    pcre2[strcspn(pcre2, " ")] = '\0';
    snprintf(out, size,
             "libyaml %s, libuv %s, jansson %s, xxhash %u.%u.%u, zlib %s, SQLite %s, PCRE2 %s, "
             "libcsv %d.%d.%d, sentencepiece " BUILT_SENTENCEPIECE,
             yaml_get_version_string(), uv_version_string(), jansson_version_str(), number / 10000,
             number / 100 % 100, number % 100, zlibVersion(), sqlite3_libversion(), pcre2,
             CSV_MAJOR, CSV_MINOR, CSV_RELEASE);
}

void provenance_here(struct event_session *out)
{
    struct utsname name;
    bool named = uname(&name) == 0;
    out->format = JOURNAL_FORMAT;
    snprintf(out->version, sizeof(out->version), "%s", LRSEARCH_VERSION);
    snprintf(out->commit, sizeof(out->commit), "%s", provenance_commit());
    name_compiler(out->compiler, sizeof(out->compiler));
    snprintf(out->system, sizeof(out->system), "unknown");
    if (named)
        snprintf(out->system, sizeof(out->system), "%.30s %.60s %.30s", name.sysname, name.release,
                 name.machine);
    provenance_cpu(out->cpu, sizeof(out->cpu));
    name_libraries(out->libraries, sizeof(out->libraries));
    utc_format(out->started_utc, time(NULL));
}

static json_t *starts_json(const struct event_session *starts, size_t count, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count && *ok; i++)
        if (json_array_append_new(array, json_of_fields(&event_session_fields, &starts[i])))
            *ok = false;
    return array;
}

static json_t *arguments_json(const struct provenance_arguments *arguments, bool *ok)
{
    if (arguments->count == 0)
        return json_null();
    json_t *array = json_array();
    for (size_t i = 0; i < arguments->count && *ok; i++)
        json_push(array, json_of_text(arguments->words[i]), ok);
    return array;
}

int provenance_write(const char *path, const char *products, uint64_t seed,
                     const struct provenance_arguments *arguments,
                     const struct event_session *starts, size_t count, struct lr_error *err)
{
    char by[512];
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "seed", json_of_count(seed), &ok);
    json_put(object, "matmul", json_of_text(products), &ok);
    json_put(object, "matmul_by", json_of_text(trial_products_text(products, by, sizeof(by))), &ok);
    json_put(object, "arguments", arguments_json(arguments, &ok), &ok);
    json_put(object, "starts", starts_json(starts, count, &ok), &ok);
    char *text = json_to_text(object, ok);
    if (!text)
        return lr_nomem(err);
    int rc = run_dir_write(path, "provenance.json", text, strlen(text), err);
    lr_free(text);
    return rc;
}

/* Every word is quoted: a run directory from somebody else must not propose another command. */
const char *provenance_command(char *out, size_t size, const char *path)
{
    char *text = NULL, word[PROVENANCE_COMMAND];
    out[0] = '\0';
    if (run_dir_read(path, "provenance.json", &text, NULL) || !text)
        return out;
    json_use_lr_memory();
    json_t *object = json_loads(text, 0, NULL);
    const json_t *words = json_object_get(object, "arguments");
    size_t count = json_array_size(words), used = (size_t)snprintf(out, size, "lrsearch");
    for (size_t i = 0; i < count && used < size; i++) {
        const char *plain = json_string_value(json_array_get(words, i));
        if (!plain || !*lr_shell_word(word, sizeof(word), plain))
            count = 0;
        else
            used += (size_t)snprintf(out + used, size - used, " %s", word);
    }
    if (count == 0 || used >= size)
        out[0] = '\0';
    json_decref(object);
    lr_free(text);
    return out;
}
