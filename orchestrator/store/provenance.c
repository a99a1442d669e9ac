/* provenance.json: the program, hosts and times of a run, from the SESSION events of the journal.
 * Versions of jansson and xxhash are those at run time, of other libraries those at build time. */
#include "store/provenance.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <xxhash.h>
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

static void name_libraries(char *out, size_t size)
{
    unsigned number = XXH_versionNumber();
    snprintf(out, size,
             "libyaml " BUILT_YAML ", libuv " BUILT_UV ", sentencepiece " BUILT_SENTENCEPIECE
             ", zlib " BUILT_ZLIB ", openblas " BUILT_OPENBLAS ", jansson %s, xxhash %u.%u.%u",
             jansson_version_str(), number / 10000, number / 100 % 100, number % 100);
}

void provenance_here(struct event_session *out)
{
    struct utsname name;
    bool named = uname(&name) == 0;
    snprintf(out->version, sizeof(out->version), "%s", LRSEARCH_VERSION);
    snprintf(out->compiler, sizeof(out->compiler), "%s", __VERSION__);
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
