/* From a file to a checked plan: read the bytes, the overrides and the tree, fill the plan by the
 * schema, check the rules, and hand out every error at once. */
#include "plan/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "plan/read_plan.h"

void plan_errors_release(struct plan_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        lr_free(errors->lines[i]);
    lr_free(errors->lines);
    memset(errors, 0, sizeof(*errors));
}

/* The file's bytes, one more than a plan may have at most, so that the tree sees that it is too
 * large. NULL with a complaint. */
static char *read_file(const char *path, size_t *size, struct complaints *complaints)
{
    FILE *file = fopen(path, "rb");
    char *bytes = NULL;
    if (!file) {
        complain(complaints, (struct place){0, 0, 0}, "", "cannot open the plan: %s",
                 strerror(errno));
        return NULL;
    }
    bytes = lr_malloc(YAML_TREE_BYTES + 1);
    if (!bytes) {
        complaints->no_memory = true;
    } else {
        *size = fread(bytes, 1, YAML_TREE_BYTES + 1, file);
        if (ferror(file)) {
            complain(complaints, (struct place){0, 0, 0}, "", "cannot read the plan: %s",
                     strerror(errno));
            lr_free(bytes);
            bytes = NULL;
        }
    }
    fclose(file);
    return bytes;
}

static bool is_map(struct plan_reader *reader, uint32_t root)
{
    struct complaints *complaints = &reader->complaints;
    const struct yaml_node *node = root == YAML_TREE_NONE ? NULL : &reader->tree.nodes[root];
    if (node && node->kind == YAML_MAP)
        return true;
    if (!node || yaml_tree_is_null(&reader->tree, node))
        complain(complaints, (struct place){0, 1, 1}, "",
                 "the plan is empty; plans/quickstart.yaml is one to start from");
    else
        complain(complaints, node->place, "", "a plan is keys and values, found %s",
                 node->kind == YAML_LIST ? "a list" : "plain text");
    return false;
}

static void load(struct plan_reader *reader, const char *path, const char *const *sets,
                 size_t set_count)
{
    size_t size = 0;
    char *bytes = read_file(path, &size, &reader->complaints);
    if (!bytes)
        return;
    uint32_t root = yaml_tree_parse(&reader->tree, bytes, size, 0, &reader->complaints);
    lr_free(bytes);
    bool refused = reader->complaints.count > 0 || reader->complaints.no_memory;
    if (refused || !is_map(reader, root))
        return;
    reader_take_sets(reader, sets, set_count);
    if (reader->complaints.no_memory)
        return;
    reader_read(reader, root);
    reader_check_paths(reader, path);
    reader_check(reader);
    reader_check_search(reader);
    reader_check_budget(reader);
}

int plan_load(struct plan *plan, const char *path, const char *const *sets, size_t set_count,
              struct plan_errors *errors)
{
    memset(errors, 0, sizeof(*errors));
    memset(plan, 0, sizeof(*plan));
    struct plan_reader *reader = lr_calloc(1, sizeof(*reader));
    if (!reader)
        return LR_ENOMEM;
    reader->plan = plan;
    complaints_init(&reader->complaints, path, sets);
    for (size_t s = 0; s < PLAN_SECTIONS_MAX; s++)
        for (size_t k = 0; k < PLAN_SECTION_KEYS; k++)
            reader->states[s][k].override = YAML_TREE_NONE;

    load(reader, path, sets, set_count);
    int code = complaints_finish(&reader->complaints, errors);
    if (code == LR_ENOMEM) /* half a list of errors would mislead */
        plan_errors_release(errors);

    complaints_release(&reader->complaints);
    yaml_tree_release(&reader->tree);
    lr_free(reader);
    return code;
}

static double middle(const double range[2])
{
    return range[0] < range[1] ? sqrt(range[0] * range[1]) : range[0];
}

static void fill_model(struct trial_spec *spec, const struct plan *plan)
{
    spec->arch = plan->model.arch;
    spec->d_model = plan->model.d_model;
    spec->n_layers = plan->model.n_layers;
    spec->n_heads = plan->model.n_heads;
    spec->context = plan->model.context;
    spec->vocab = plan->model.vocab;
    spec->d_ff = plan->model.d_ff;
    spec->tied_output = plan->model.tied_output;
    spec->qk_norm = plan->model.qk_norm;
    spec->z_loss = plan->model.z_loss;
    spec->parametrization = plan->model.parametrization;
    spec->base_width = plan->model.base_width;
    spec->base_head_size = plan->model.base_head_size;
    spec->depth_rule = plan->model.depth_rule;
    spec->base_layers = plan->model.base_layers;
    spec->embedding_lr_ratio = middle(plan->model.embedding_lr_ratio);
    spec->output_lr_ratio = middle(plan->model.output_lr_ratio);
}

static void fill_training(struct trial_spec *spec, const struct plan *plan)
{
    spec->batch_tokens = plan->training.batch_tokens;
    spec->schedule = plan->training.schedule;
    spec->warmup = plan->training.warmup;
    spec->warmup_tokens = plan->training.warmup_tokens
                              ? plan->training.warmup_tokens
                              : plan->training.warmup_steps * plan->training.batch_tokens;
    spec->final_lr = plan->training.final_lr;
    spec->min_lr = plan->training.min_lr;
    spec->cooldown = plan->training.cooldown;
    spec->cooldown_shape = plan->training.cooldown_shape;
    spec->weight_decay = plan->training.weight_decay;
    spec->independent_decay = plan->training.independent_decay;
    spec->beta1 = plan->training.beta1;
    spec->beta2 = plan->training.beta2;
    spec->adam_eps = plan->training.adam_eps;
    spec->clip = plan->training.clip;
}

const char *plan_column(const struct plan *plan, const char *column)
{
    for (size_t i = 0; i < plan->trainer.column_count; i++)
        if (strcmp(plan->trainer.columns[i].key, column) == 0)
            return plan->trainer.columns[i].value;
    return NULL;
}

struct trial_spec plan_trial(const struct plan *plan)
{
    struct trial_spec spec;
    memset(&spec, 0, sizeof(spec)); /* padding too: specs are hashed and compared */
    spec.trainer = plan->trainer.kind;
    if (spec.trainer == TRAINER_SIMULATE)
        spec.simulate = plan->surface;
    fill_model(&spec, plan);
    fill_training(&spec, plan);
    spec.source = plan->data.source;
    /* until the text is tokenized: a token has a byte at least */
    spec.val_tokens = plan->data.val_bytes ? plan->data.val_bytes : plan->data.val_tokens;
    spec.repeat = plan->data.repeat ? 1 : 0;
    spec.zipf_exponent = plan->data.zipf_exponent;
    spec.markov_weight = plan->data.markov_weight;
    spec.markov_order = plan->data.markov_order;
    return spec;
}
