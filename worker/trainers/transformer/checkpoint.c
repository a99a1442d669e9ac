/* Reads and writes checkpoints. The tensors point into the model's memory, so nothing is copied to
 * save; floating-point state is written as hexadecimal floats, which read back to the last bit. */
#define _POSIX_C_SOURCE 200809L
#include "trainers/transformer/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "data/safetensors.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"

#define FORMAT "lrsearch-checkpoint-1"
enum { PARTS = 3 }; /* weights, first and second moments */
static const char *const prefixes[PARTS] = {"", "optimizer.m.", "optimizer.v."};

#define STATE_MAP(X)                                                                               \
    X("step", PRIu64, SCNu64, step)                                                                \
    X("tokens", PRIu64, SCNu64, tokens)                                                            \
    X("diverge.first", "a", "la", diverge.first)                                                   \
    X("diverge.mean", "a", "la", diverge.mean)                                                     \
    X("tail_sum", "a", "la", tail_sum)

enum { STATE_FIELDS = 5, FIXED_PAIRS = STATE_FIELDS + 2, VALUE = 64, KEY = 48 };

static float *part_of(struct param *param, int part)
{
    return part == 0 ? param->value : part == 1 ? param->m : param->v;
}

static void tensor_name(char *out, size_t size, int part, const struct param *param)
{
    snprintf(out, size, "%s%s", prefixes[part], param->name);
}

/* A vector has one dimension, as in PyTorch. */
static struct st_tensor tensor_of(struct param *param, int part, const char *name)
{
    return (struct st_tensor){.name = name,
                              .dtype = ST_F32,
                              .rank = param->cols == 1 ? 1 : 2,
                              .shape = {param->rows, param->cols == 1 ? 0 : param->cols},
                              .data = part_of(param, part)};
}

static void field_text(char *out, size_t size, const struct field *field,
                       const struct trial_spec *spec)
{
    const unsigned char *member = (const unsigned char *)spec + field->offset;
    uint32_t u32;
    uint64_t u64;
    double f64;
    switch (field->type) {
    case FIELD_U32:
        memcpy(&u32, member, sizeof(u32));
        snprintf(out, size, "%" PRIu32, u32);
        break;
    case FIELD_U64:
        memcpy(&u64, member, sizeof(u64));
        snprintf(out, size, "%" PRIu64, u64);
        break;
    case FIELD_F64:
        memcpy(&f64, member, sizeof(f64));
        snprintf(out, size, "%.17g", f64);
        break;
    case FIELD_TEXT:
        snprintf(out, size, "%s", (const char *)member);
        break;
    case FIELD_STRUCT:
        out[0] = '\0';
        break;
    }
}

/* ---- saving ---- */

struct pair_text {
    char key[KEY], value[VALUE];
};

static void put_pair(struct st_pair *pair, struct pair_text *text, const char *key)
{
    snprintf(text->key, sizeof(text->key), "%s", key);
    *pair = (struct st_pair){text->key, text->value};
}

static size_t fill_metadata(struct st_pair *pairs, struct pair_text *texts,
                            const struct trial_spec *spec, const struct checkpoint *state)
{
    size_t n = 0;
    snprintf(texts[n].value, VALUE, FORMAT);
    put_pair(&pairs[n], &texts[n], "format");
    n++;
    snprintf(texts[n].value, VALUE, "%d", state->diverge.begun);
    put_pair(&pairs[n], &texts[n], "diverge.begun");
    n++;
#define X(key, print, scan, member)                                                                \
    snprintf(texts[n].value, VALUE, "%" print, state->member);                                     \
    put_pair(&pairs[n], &texts[n], key);                                                           \
    n++;
    STATE_MAP(X)
#undef X
    for (size_t f = 0; f < trial_spec_fields.count; f++, n++) {
        char key[KEY];
        snprintf(key, sizeof(key), "spec.%s", trial_spec_fields.fields[f].name);
        field_text(texts[n].value, VALUE, &trial_spec_fields.fields[f], spec);
        put_pair(&pairs[n], &texts[n], key);
    }
    return n;
}

int checkpoint_save(const char *path, struct model *model, const struct trial_spec *spec,
                    const struct checkpoint *state, struct lr_error *err)
{
    size_t params = model_param_count(model), pairs_most = FIXED_PAIRS + trial_spec_fields.count;
    struct st_tensor *tensors = lr_calloc(params * PARTS, sizeof(*tensors));
    char(*names)[64] = lr_calloc(params * PARTS, sizeof(*names));
    struct st_pair *pairs = lr_calloc(pairs_most, sizeof(*pairs));
    struct pair_text *texts = lr_calloc(pairs_most, sizeof(*texts));
    int rc = LR_ENOMEM;
    if (!tensors || !names || !pairs || !texts) {
        lr_nomem(err);
        goto out;
    }
    for (size_t i = 0; i < params * PARTS; i++) {
        struct param *param = model_param(model, i % params);
        tensor_name(names[i], sizeof(names[i]), (int)(i / params), param);
        tensors[i] = tensor_of(param, (int)(i / params), names[i]);
    }
    size_t count = fill_metadata(pairs, texts, spec, state);
    rc = safetensors_write(path, tensors, params * PARTS, pairs, count, err);
out:
    lr_free(tensors);
    lr_free(names);
    lr_free(pairs);
    lr_free(texts);
    return rc;
}

/* ---- loading ---- */

static int check_tensor(const struct safetensors *file, const char *path, const char *name,
                        const struct st_tensor *wanted, struct lr_error *err)
{
    const struct st_tensor *found = safetensors_find(file, name);
    if (!found)
        return lr_fail(err, LR_EDATA,
                       "%s: has no tensor %s: it was saved by another model; use the plan that it "
                       "was saved with",
                       path, name);
    bool same = found->dtype == wanted->dtype && found->rank == wanted->rank;
    for (size_t d = 0; same && d < wanted->rank; d++)
        same = found->shape[d] == wanted->shape[d];
    if (same)
        return 0;
    return lr_fail(err, LR_EDATA,
                   "%s: %s is %" PRIu64 " x %" PRIu64 " of %s, the model's is %" PRIu64
                   " x %" PRIu64 " of F32; use the plan that it was saved with",
                   path, name, found->rank > 0 ? found->shape[0] : 1,
                   found->rank > 1 ? found->shape[1] : 1, st_dtype_text(found->dtype),
                   wanted->shape[0], wanted->rank > 1 ? wanted->shape[1] : 1);
}

static int check_tensors(const struct safetensors *file, const char *path, struct model *model,
                         struct lr_error *err)
{
    size_t params = model_param_count(model);
    for (size_t i = 0; i < params * PARTS; i++) {
        char name[64];
        struct param *param = model_param(model, i % params);
        struct st_tensor wanted = tensor_of(param, (int)(i / params), name);
        tensor_name(name, sizeof(name), (int)(i / params), param);
        int rc = check_tensor(file, path, name, &wanted, err);
        if (rc)
            return rc;
    }
    if (safetensors_count(file) != params * PARTS)
        return lr_fail(err, LR_EDATA,
                       "%s: holds %zu tensors, the model has %zu: it was saved by another model; "
                       "use the plan that it was saved with",
                       path, safetensors_count(file), params * PARTS);
    return 0;
}

static int read_state(const struct safetensors *file, const char *path, struct checkpoint *state,
                      struct lr_error *err)
{
    const char *format = safetensors_metadata(file, "format"), *value;
    if (!format || strcmp(format, FORMAT) != 0)
        return lr_fail(err, LR_EDATA,
                       "%s: is no checkpoint of this program (format %s, expected %s)", path,
                       format ? format : "missing", FORMAT);
    value = safetensors_metadata(file, "diverge.begun");
    bool good = value != NULL;
    state->diverge.begun = value && strcmp(value, "0") != 0;
#define X(key, print, scan, member)                                                                \
    value = safetensors_metadata(file, key);                                                       \
    good = good && value && sscanf(value, "%" scan, &state->member) == 1;
    STATE_MAP(X)
#undef X
    return good ? 0
                : lr_fail(err, LR_EDATA,
                          "%s: damaged: it does not say where the training stands; write it again",
                          path);
}

/* Lists the fields that differ, "lr (0.001 -> 0.002), ...": saved value -> wanted value. */
static void list_changes(const struct safetensors *file, const struct trial_spec *spec, char *out,
                         size_t size)
{
    size_t used = 0;
    for (size_t f = 0; f < trial_spec_fields.count && used < size; f++) {
        const struct field *field = &trial_spec_fields.fields[f];
        char key[KEY], now[VALUE];
        if (field->type == FIELD_STRUCT) /* simulate: unused by this trainer */
            continue;
        snprintf(key, sizeof(key), "spec.%s", field->name);
        field_text(now, sizeof(now), field, spec);
        const char *saved = safetensors_metadata(file, key);
        if (saved && strcmp(saved, now) == 0)
            continue;
        int length = snprintf(out + used, size - used, "%s%s (%s -> %s)", used ? ", " : "",
                              field->name, saved ? saved : "unknown", now);
        used += length > 0 ? (size_t)length : 0;
    }
}

int checkpoint_load(const char *path, struct model *model, const struct trial_spec *spec,
                    struct checkpoint *state, char *changed, size_t changed_size,
                    struct lr_error *err)
{
    struct safetensors *file = NULL;
    struct checkpoint read = {0};
    int rc;
    if ((rc = safetensors_open(&file, path, err)) || (rc = read_state(file, path, &read, err)) ||
        (rc = check_tensors(file, path, model, err)))
        goto out;
    size_t params = model_param_count(model);
    for (size_t i = 0; i < params * PARTS; i++) {
        char name[64];
        struct param *param = model_param(model, i % params);
        tensor_name(name, sizeof(name), (int)(i / params), param);
        memcpy(part_of(param, (int)(i / params)), safetensors_find(file, name)->data,
               param->count * sizeof(float));
    }
    *state = read;
    if (changed && changed_size > 0) {
        changed[0] = '\0';
        list_changes(file, spec, changed, changed_size);
    }
out:
    safetensors_close(file);
    return rc;
}

uint64_t checkpoint_tokens(const char *path, const struct trial_spec *spec)
{
    struct safetensors *file = NULL;
    struct checkpoint state = {0};
    struct lr_error err = {0};
    char changed[256] = "";
    if (access(path, F_OK) != 0)
        return 0;
    if (!safetensors_open(&file, path, &err) && !read_state(file, path, &state, &err))
        list_changes(file, spec, changed, sizeof(changed));
    safetensors_close(file);
    if (changed[0])
        lr_fail(&err, LR_EDATA, "%s: is of another training: %s", path, changed);
    if (err.code)
        lr_log(LR_LOG_WARNING, "checkpoint not used: %s", err.text);
    return err.code ? 0 : state.tokens;
}
