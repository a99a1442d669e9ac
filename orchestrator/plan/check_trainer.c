/* Rules about the trainer: refuses keys of another kind of trainer, and checks what it can of a
 * command without starting it. prepare_command_warn() looks for the program. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "plan/check_plan.h"

#include <inttypes.h>
#include <pcre2.h>
#include <string.h>
#include "lrsearch/answer.h"
#include "lrsearch/placeholder.h"

/* ---- keys of one kind only ---- */

static void check_kind(struct plan_reader *reader, size_t member, uint32_t kind)
{
    if (reader_given(reader, member) && reader->plan->trainer.kind != kind)
        reader_complain(reader, member, "is for trainer.kind: %s only; leave it out",
                        trainer_name(kind));
}

static void check_kinds(struct plan_reader *reader)
{
    static const size_t replay[] = {MEMBER(trainer.table), MEMBER(trainer.columns),
                                    MEMBER(trainer.where)};
    static const size_t command[] = {MEMBER(trainer.argv),   MEMBER(trainer.env),
                                     MEMBER(trainer.cwd),    MEMBER(trainer.gpus_per_trial),
                                     MEMBER(trainer.report), MEMBER(trainer.kill_grace_s)};
    const struct plan_section *simulate = plan_section_find("simulate");
    for (size_t i = 0; i < sizeof(replay) / sizeof(replay[0]); i++)
        check_kind(reader, replay[i], TRAINER_REPLAY);
    for (size_t i = 0; i < sizeof(command) / sizeof(command[0]); i++)
        check_kind(reader, command[i], TRAINER_COMMAND);
    for (size_t k = 0; k < simulate->count; k++)
        check_kind(reader, simulate->keys[k].offset, TRAINER_SIMULATE);
}

static void check_matmul(struct plan_reader *reader)
{
    char products[TRIAL_PRODUCTS];
    const char *text = reader->plan->trainer.matmul;
    if (!HAS(reader, trainer.matmul) || strcmp(text, "auto") == 0)
        return;
    if (!trial_products(products, text))
        reader_complain(
            reader, MEMBER(trainer.matmul),
            "\"%s\" is not known: use auto, own, openblas or onednn, for training.precision bf16 "
            "bf16 or bf16-amx, or the %d letters that an earlier run's provenance.json has as "
            "\"matmul\"",
            text, TRIAL_PRODUCTS - 1);
    else if (HAS(reader, training.precision) &&
             !trial_products_suit(products, reader->plan->training.precision))
        reader_complain(reader, MEMBER(trainer.matmul),
                        "%s does not multiply in training.precision %s; leave it out%s", text,
                        precision_name(reader->plan->training.precision),
                        trial_products_suit(products, PRECISION_BF16)
                            ? ", or set training.precision: bf16"
                            : "");
}

/* ---- replay ---- */

static void add_column(struct plan *plan, const char *name)
{
    if (plan_column(plan, name) || plan->trainer.column_count == PLAN_PAIRS)
        return;
    struct plan_pair *pair = &plan->trainer.columns[plan->trainer.column_count++];
    memcpy(pair->key, name, strlen(name) + 1);
    memcpy(pair->value, name, strlen(name) + 1);
}

/* An axis with several values needs a column that gives each row's value; a named column needs a
 * value of its key. */
static void check_axis_columns(struct plan_reader *reader)
{
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_key *key = &plan_sections[s].keys[k];
            const struct plan_axis *axis = plan_key_axis(key, reader->plan);
            if (!axis)
                continue;
            bool named = plan_column(reader->plan, key->name) != NULL;
            if (axis->count > 1 && !named)
                reader_complain(reader, key->offset,
                                "a list needs trainer.columns.%s, the table's column that tells "
                                "which row is of which value",
                                key->name);
            if (named && reader_status(reader, key->offset) == KEY_ABSENT &&
                !reader_has(reader, key->offset))
                reader_complain(reader, MEMBER(trainer.columns),
                                "names a column for %s, but %s.%s does not say which of its values "
                                "count",
                                key->name, plan_sections[s].name, key->name);
        }
}

/* The same of the weight decay, whose default is no choice among a table's. */
static void check_decay_column(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool named = plan_column(plan, "weight_decay") != NULL;
    if (plan->axes.weight_decay.count > 1 && !named)
        reader_complain(reader, MEMBER(training.weight_decay),
                        "a list needs trainer.columns.weight_decay, the table's column that tells "
                        "which row is of which value");
    if (named && !reader_given(reader, MEMBER(training.weight_decay)))
        reader_complain(reader, MEMBER(trainer.columns),
                        "names a column for weight_decay, but training.weight_decay does not say "
                        "which of its values count");
}

/* ---- command ---- */

static void check_argv(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec};
    char expanded[2 * TRIAL_PATH];
    if (!GIVEN(reader, trainer.argv))
        return;
    if (plan->trainer.argv_count > 0 && !plan->trainer.argv[0][0])
        reader_complain_item(reader, MEMBER(trainer.argv), 0, "is the program and cannot be empty");
    for (size_t i = 0; i < plan->trainer.argv_count; i++) {
        struct lr_error err = {0};
        if (placeholder_expand(expanded, sizeof(expanded), plan->trainer.argv[i], &trial, &err))
            reader_complain_item(reader, MEMBER(trainer.argv), i, "%s", err.text);
    }
}

static void check_env(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    for (size_t i = 0; i < plan->trainer.env_count; i++) {
        const char *name = plan->trainer.env[i].key;
        if (strchr(name, '='))
            reader_complain(reader, MEMBER(trainer.env), "the name %s must have no =", name);
        else if (strncmp(name, "LRSEARCH_", 9) == 0)
            reader_complain(reader, MEMBER(trainer.env),
                            "%s: names that begin with LRSEARCH_ are lrsearch's own; choose "
                            "another",
                            name);
        else if (strcmp(name, "CUDA_VISIBLE_DEVICES") == 0 && plan->trainer.gpus_per_trial > 0)
            reader_complain(reader, MEMBER(trainer.env),
                            "%s is what trainer.gpus_per_trial gives; leave one of them out", name);
    }
}

static void check_regex(struct plan_reader *reader, const char *text)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[128];
    pcre2_code *regex =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
    if (!regex) {
        pcre2_get_error_message(code, why, sizeof(why));
        reader_complain(reader, MEMBER(trainer.report), "regex: %s, at byte %zu", (const char *)why,
                        (size_t)offset + 1);
        return;
    }
    if (pcre2_substring_number_from_name(regex, (PCRE2_SPTR) "loss") < 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "regex: it needs a group that is called loss, such as "
                        "'val loss: (?<loss>[-+.0-9a-z]+)'");
    pcre2_code_free(regex);
}

static void check_report(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    struct plan_pair *way = &plan->trainer.report[0];
    if (!GIVEN(reader, trainer.report) && plan->trainer.report_count == 0) {
        memcpy(way->key, "fd", sizeof("fd"));
        memcpy(way->value, "true", sizeof("true"));
        plan->trainer.report_count = 1;
    }
    if (plan->trainer.report_count != 1)
        reader_complain(reader, MEMBER(trainer.report), "give one of fd, prefix and regex");
    else if (strcmp(way->key, "regex") == 0)
        check_regex(reader, way->value);
    else if (strcmp(way->key, "fd") == 0 && strcmp(way->value, "true") != 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "fd can only be true (its number is in LRSEARCH_REPORT_FD), or give prefix "
                        "or regex");
}

/* The user's own program trains. */
static bool is_users(const struct plan *plan)
{
    return plan->trainer.kind == TRAINER_COMMAND || plan->trainer.kind == TRAINER_EXTERNAL;
}

/* Only transformer, command and external can search LR ratios and the weight decay, and simulate those whose
 * curvature is above 0: the other losses depend on one learning rate. */
static void check_ratios(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const struct {
        size_t member;
        const double *range;
        double curvature; /* of a simulated loss */
        const char *mend, *made_up;
    } ratios[RATIO_COUNT] = {
        [RATIO_EMBEDDING] = {MEMBER(model.embedding_lr_ratio), plan->model.embedding_lr_ratio,
                             plan->surface.ratio_curvature, "give one number",
                             ", or simulate.ratio_curvature"},
        [RATIO_OUTPUT] = {MEMBER(model.output_lr_ratio), plan->model.output_lr_ratio, 0,
                          "give one number", ""},
        [RATIO_VECTOR] = {MEMBER(model.vector_lr_ratio), plan->model.vector_lr_ratio, 0,
                          "give one number", ""},
        [RATIO_DECAY] = {MEMBER(search.weight_decay), plan->search.weight_decay,
                         plan->surface.decay_curvature, "leave it out",
                         ", or give simulate.decay_curvature"},
    };
    bool simulated = plan->trainer.kind == TRAINER_SIMULATE;
    bool known = plan->trainer.kind == TRAINER_TRANSFORMER || is_users(plan);
    for (int i = 0; !known && i < RATIO_COUNT; i++)
        if (reader_given(reader, ratios[i].member) && ratios[i].range[0] < ratios[i].range[1] &&
            !(simulated && ratios[i].curvature > 0))
            reader_complain(reader, ratios[i].member,
                            "cannot be searched with trainer.kind: %s; %s%s",
                            trainer_name(plan->trainer.kind), ratios[i].mend,
                            simulated ? ratios[i].made_up : "");
}

/* What only trainings of ours or of a command can follow, or simulated losses with a ridge. */
static void check_recipe(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    bool trains = plan->trainer.kind == TRAINER_TRANSFORMER || is_users(plan) ||
                  (plan->trainer.kind == TRAINER_SIMULATE && plan->surface.decay_curvature > 0);
    check_kind(reader, MEMBER(training.muon_lr_scale), TRAINER_TRANSFORMER);
    check_kind(reader, MEMBER(training.muon_momentum), TRAINER_TRANSFORMER);
    if (!trains && GIVEN(reader, training.decay_rule))
        reader_complain(reader, MEMBER(training.decay_rule),
                        "has no effect with trainer.kind: %s, whose losses do not depend on it; "
                        "leave it out",
                        trainer_name(plan->trainer.kind));
    if (plan->trainer.kind == TRAINER_REPLAY && GIVEN(reader, model.embedding_lr_exponent))
        reader_complain(reader, MEMBER(model.embedding_lr_exponent),
                        "has no effect with trainer.kind: replay, whose table has its own; leave "
                        "it out");
}

static void check_ranks(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    if (plan->trainer.ranks_per_trial > 1 && plan->trainer.kind != TRAINER_TRANSFORMER)
        reader_complain(reader, MEMBER(trainer.ranks_per_trial),
                        "is for trainer.kind: transformer; leave it out, or write 1");
}

void check_trainer(struct plan_reader *reader)
{
    struct plan *plan = reader->plan;
    check_matmul(reader);
    if (!HAS(reader, trainer.kind))
        return;
    check_kinds(reader);
    check_ranks(reader);
    if (plan->trainer.kind == TRAINER_REPLAY) {
        add_column(plan, "lr");
        add_column(plan, "tokens");
        add_column(plan, "loss");
        check_axis_columns(reader);
        check_decay_column(reader);
    } else if (plan->trainer.kind == TRAINER_COMMAND) {
        check_argv(reader);
        check_env(reader);
        check_report(reader);
    }
    plan->surface.seed = plan->seed;
    check_ratios(reader);
    check_recipe(reader);
}
