/* The command of a plan as a JSON file: {"argv": [...], "env": {...}, "cwd": ..., "report": ...,
 * "pattern": ..., "gpus": ..., "kill_grace_s": ...}. Further members are written only where they
 * are used, so that the hash of a file without them is that of earlier versions: {"report_file":
 * {...}, "diverged": {"exit": [...], "regex": ...}, "launcher": [...], "nodes": ..., "cpus":
 * ...} */
#define _POSIX_C_SOURCE 200809L
#include "trainers/command/command_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"

enum { FILE_MOST = 1 << 20 }; /* bytes; a plan has no more */

#define X(enumerator, name) name,
static const char *const ways[] = {REPORT_WAY_MAP(X)};
#undef X
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

bool report_way_find(enum report_way *way, const char *name)
{
    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(ways[i], name) == 0) {
            *way = (enum report_way)i;
            return true;
        }
    return false;
}

static json_t *file_json(const struct command_setup *setup)
{
    return json_pack("{s:s, s:s, s:s*, s:s*}", "file", setup->report_file, "loss",
                     setup->report_loss, "tokens", setup->report_tokens, "steps",
                     setup->report_steps);
}

/* Whether it is in the file, if it is needed. */
static bool add_diverged(json_t *root, const struct command_diverged *diverged)
{
    const char *regex = diverged->regex ? diverged->regex : "";
    if (!*regex && diverged->exit_count == 0)
        return true;
    json_t *exits = json_array();
    for (size_t i = 0; i < diverged->exit_count; i++)
        json_array_append_new(exits, json_integer(diverged->exits[i]));
    bool whole = json_array_size(exits) == diverged->exit_count;
    json_t *object = json_pack("{s:o, s:s}", "exit", exits, "regex", regex);
    return json_object_set_new(root, "diverged", object) == 0 && whole;
}

static bool add_launcher(json_t *root, const struct command_setup *setup)
{
    json_t *words = json_array();
    if (setup->launcher_words == 0) {
        json_decref(words);
        return true;
    }
    for (size_t i = 0; i < setup->launcher_words; i++)
        json_array_append_new(words, json_string(setup->launcher[i]));
    bool whole = json_array_size(words) == setup->launcher_words;
    return !json_object_set_new(root, "launcher", words) &&
           !json_object_set_new(root, "nodes", json_integer(setup->nodes)) &&
           !json_object_set_new(root, "cpus", json_integer(setup->cpus)) && whole;
}

static char *to_text(const struct command_setup *setup)
{
    json_t *argv = json_array(), *env = json_object();
    for (size_t i = 0; i < setup->argc; i++)
        json_array_append_new(argv, json_string(setup->argv[i]));
    for (size_t i = 0; i < setup->variables; i++)
        json_object_set_new(env, setup->names[i], json_string(setup->values[i]));
    bool whole = json_array_size(argv) == setup->argc && json_object_size(env) == setup->variables;
    json_t *root = json_pack("{s:o, s:o, s:s, s:s, s:s, s:I, s:f}", "argv", argv, "env", env, "cwd",
                             setup->cwd, "report", ways[setup->way], "pattern", setup->pattern,
                             "gpus", (json_int_t)setup->gpus, "kill_grace_s", setup->kill_grace_s);
    if (setup->way == REPORT_FILE)
        whole = json_object_set_new(root, "report_file", file_json(setup)) == 0 && whole;
    whole = whole && root && add_diverged(root, &setup->diverged) && add_launcher(root, setup);
    char *text = whole ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

int command_file_write(const struct command_setup *setup, const char *folder, char path[TRIAL_PATH],
                       uint64_t *hash, struct lr_error *err)
{
    char temporary[TRIAL_PATH + 32];
    if (strlen(folder) + sizeof("/command-0123456789abcdef.json") > TRIAL_PATH)
        return lr_fail(err, LR_ECREATE, "%s: the path is too long", folder);
    char *text = to_text(setup);
    if (!text)
        return lr_nomem(err);
    size_t length = strlen(text);
    *hash = XXH3_64bits(text, length);
    snprintf(path, TRIAL_PATH, "%s/command-%016llx.json", folder, (unsigned long long)*hash);
    snprintf(temporary, sizeof(temporary), "%s/command.%ld", folder, (long)getpid());
    FILE *file = own_file_stream(temporary, 0600);
    int rc = file ? 0 : lr_fail_errno(err, LR_ECREATE, "%s", temporary);
    if (rc)
        goto out;
    bool written = fwrite(text, 1, length, file) == length;
    rc = own_stream_publish(file, written, temporary, path, err);

out:
    free(text); /* jansson's own allocation */
    return rc;
}

/* `object`: NULL if the file has none. */
static bool read_diverged(struct command_diverged *diverged, json_t *object)
{
    json_t *exits;
    if (!object)
        return true;
    if (json_unpack(object, "{s:o, s:s}", "exit", &exits, "regex", &diverged->regex) ||
        json_array_size(exits) > COMMAND_EXITS)
        return false;
    for (; diverged->exit_count < json_array_size(exits); diverged->exit_count++)
        diverged->exits[diverged->exit_count] =
            (int)json_integer_value(json_array_get(exits, diverged->exit_count));
    return true;
}

static bool launcher_from_json(struct command_setup *setup, const json_t *root)
{
    const json_t *words = json_object_get(root, "launcher");
    if (json_array_size(words) > COMMAND_LAUNCHER)
        return false;
    for (; setup->launcher_words < json_array_size(words); setup->launcher_words++) {
        const char *word = json_string_value(json_array_get(words, setup->launcher_words));
        if (!word)
            return false;
        setup->launcher[setup->launcher_words] = word;
    }
    setup->nodes = (uint32_t)json_integer_value(json_object_get(root, "nodes"));
    setup->cpus = (uint32_t)json_integer_value(json_object_get(root, "cpus"));
    return true;
}

static bool setup_from_json(struct command_setup *setup, json_t *root)
{
    const char *way, *name;
    json_t *argv, *env, *value;
    json_int_t gpus;
    if (json_unpack(root, "{s:o, s:o, s:s, s:s, s:s, s:I, s:F}", "argv", &argv, "env", &env, "cwd",
                    &setup->cwd, "report", &way, "pattern", &setup->pattern, "gpus", &gpus,
                    "kill_grace_s", &setup->kill_grace_s) ||
        !report_way_find(&setup->way, way) || json_array_size(argv) < 1 ||
        json_array_size(argv) > COMMAND_ARGUMENTS || json_object_size(env) > COMMAND_VARIABLES ||
        !read_diverged(&setup->diverged, json_object_get(root, "diverged")))
        return false;
    if (setup->way == REPORT_FILE &&
        json_unpack(json_object_get(root, "report_file"), "{s:s, s:s, s?s, s?s}", "file",
                    &setup->report_file, "loss", &setup->report_loss, "tokens",
                    &setup->report_tokens, "steps", &setup->report_steps))
        return false;
    setup->gpus = (uint32_t)gpus;
    for (; setup->argc < json_array_size(argv); setup->argc++)
        setup->argv[setup->argc] = json_string_value(json_array_get(argv, setup->argc));
    json_object_foreach(env, name, value)
    {
        setup->names[setup->variables] = name;
        setup->values[setup->variables++] = json_string_value(value);
    }
    return launcher_from_json(setup, root);
}

int command_file_read(struct command_setup *setup, const char *path, uint64_t hash,
                      struct lr_error *err)
{
    memset(setup, 0, sizeof(*setup));
    FILE *file = fopen(path, "rb");
    char *text = lr_malloc(FILE_MOST);
    size_t length = file && text ? fread(text, 1, FILE_MOST, file) : 0;
    int rc = 0;
    if (!text)
        rc = lr_nomem(err);
    else if (!file || ferror(file))
        rc = lr_fail_errno(err, LR_EIO, "%s", path);
    else if (XXH3_64bits(text, length) != hash)
        rc = lr_fail(err, LR_EDATA,
                     "%s: is not what the coordinator wrote; delete it and try again", path);
    else if (!(setup->texts = json_loadb(text, length, 0, NULL)) ||
             !setup_from_json(setup, setup->texts))
        rc = lr_fail(err, LR_EDATA, "%s: was written by another version of lrsearch", path);
    if (file)
        fclose(file);
    lr_free(text);
    if (rc)
        command_setup_release(setup);
    return rc;
}

void command_setup_release(struct command_setup *setup)
{
    json_decref(setup->texts);
    setup->texts = NULL;
}
