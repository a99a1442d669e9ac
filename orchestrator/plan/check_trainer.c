/* Rules about the trainer: refuses keys of another kind of trainer, and checks what it can of a
 * command without starting it. prepare_command_warn() looks for the program. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "plan/check_plan.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdio.h>
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
    static const size_t command[] = {MEMBER(trainer.argv),
                                     MEMBER(trainer.env),
                                     MEMBER(trainer.cwd),
                                     MEMBER(trainer.gpus_per_trial),
                                     MEMBER(trainer.report),
                                     MEMBER(trainer.diverged),
                                     MEMBER(trainer.kill_grace_s),
                                     MEMBER(trainer.launcher),
                                     MEMBER(trainer.concurrent_trials),
                                     MEMBER(trainer.nodes_per_trial),
                                     MEMBER(trainer.cpus_per_trial)};
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

/* Whether the text's placeholders can be filled in, for a short trial; else *err has the reason. */
static bool can_expand(const struct plan_reader *reader, const char *text, struct lr_error *err)
{
    const struct plan *plan = reader->plan;
    struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec, .trial_id = 1, .attempt = 1, .port = 1};
    char expanded[2 * TRIAL_PATH];
    spec.lr = HAS(reader, search.lr) ? plan->search.lr[0] : 1e-3;
    spec.horizon_tokens = HAS(reader, search.horizons) ? plan->search.horizons[0] : 1000000;
    spec.seed = plan_seed(plan, 0);
    memset(err, 0, sizeof(*err));
    return placeholder_expand(expanded, sizeof(expanded), text, &trial, err) == 0;
}

static void check_argv(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    struct lr_error err;
    if (!GIVEN(reader, trainer.argv))
        return;
    if (plan->trainer.argv_count > 0 && !plan->trainer.argv[0][0])
        reader_complain_item(reader, MEMBER(trainer.argv), 0, "is the program and cannot be empty");
    for (size_t i = 0; i < plan->trainer.argv_count; i++)
        if (!can_expand(reader, plan->trainer.argv[i], &err))
            reader_complain_item(reader, MEMBER(trainer.argv), i, "%s", err.text);
}

/* check_paths() has put the plan's folder before it; errors name the place in the user's text. */
static void check_cwd(struct plan_reader *reader)
{
    struct lr_error err;
    if (GIVEN(reader, trainer.cwd) &&
        !can_expand(reader, reader_text(reader, MEMBER(trainer.cwd)), &err))
        reader_complain(reader, MEMBER(trainer.cwd), "%s", err.text);
}

/* A launcher's words, with {command} as a text that needs no placeholder. */
static void check_launcher_words(struct plan_reader *reader)
{
    static const char name[] = "{command}";
    const struct plan *plan = reader->plan;
    struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec, .port = 1};
    for (size_t i = 0; i < plan->trainer.launcher_count; i++) {
        char word[TRIAL_PATH], expanded[2 * TRIAL_PATH];
        struct lr_error err = {0};
        snprintf(word, sizeof(word), "%s", plan->trainer.launcher[i]);
        for (const char *at; (at = placeholder_find(word, name));)
            memset(word + (at - word), '.', sizeof(name) - 1);
        if (placeholder_expand(expanded, sizeof(expanded), word, &trial, &err))
            reader_complain_item(reader, MEMBER(trainer.launcher), i, "%s", err.text);
    }
    if (!plan->trainer.launcher[0][0])
        reader_complain_item(reader, MEMBER(trainer.launcher), 0,
                             "is the program and cannot be empty");
}

static void check_share(struct plan_reader *reader, size_t member, uint32_t count)
{
    uint32_t nodes = reader->plan->trainer.nodes_per_trial;
    if (nodes > 0 && count % nodes != 0)
        reader_complain(reader, member,
                        "%" PRIu32 " cannot be divided by trainer.nodes_per_trial %" PRIu32
                        "; give a multiple of it",
                        count, nodes);
}

static void check_launcher(struct plan_reader *reader)
{
    static const size_t steps[] = {MEMBER(trainer.nodes_per_trial), MEMBER(trainer.cpus_per_trial)};
    const struct plan *plan = reader->plan;
    bool by_srun = plan_by_srun(plan);
    if (plan->trainer.launcher_count > 0)
        check_launcher_words(reader);
    for (size_t i = 0; !by_srun && i < sizeof(steps) / sizeof(steps[0]); i++)
        if (reader_given(reader, steps[i]))
            reader_complain(reader, steps[i], "is for trainer.launcher: srun only; leave it out");
    if (!by_srun)
        return;
    check_share(reader, MEMBER(trainer.cpus_per_trial), plan->trainer.cpus_per_trial);
    check_share(reader, MEMBER(trainer.gpus_per_trial), plan->trainer.gpus_per_trial);
    if (plan->trainer.report_count == 1 && strcmp(plan->trainer.report[0].key, "fd") == 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "a step that srun starts does not inherit the descriptor of fd: true; "
                        "give prefix or regex");
}

static void check_env(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    struct lr_error err;
    for (size_t i = 0; i < plan->trainer.env_count; i++) {
        const char *name = plan->trainer.env[i].key;
        if (!can_expand(reader, plan->trainer.env[i].value, &err))
            reader_complain_entry(reader, MEMBER(trainer.env), name, "%s", err.text);
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

/* The regex, or NULL with a complaint; free it with pcre2_code_free(). */
static pcre2_code *compile_regex(struct plan_reader *reader, size_t member, const char *text)
{
    int code;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[128];
    pcre2_code *regex =
        pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
    if (!regex) {
        pcre2_get_error_message(code, why, sizeof(why));
        reader_complain(reader, member, "regex: %s, at byte %zu", (const char *)why,
                        (size_t)offset + 1);
    }
    return regex;
}

static void check_regex(struct plan_reader *reader, const char *text)
{
    pcre2_code *regex = compile_regex(reader, MEMBER(trainer.report), text);
    if (!regex)
        return;
    if (pcre2_substring_number_from_name(regex, (PCRE2_SPTR) "loss") < 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "regex: it needs a group that is called loss, such as "
                        "'val loss: (?<loss>[-+.0-9a-z]+)'");
    bool steps = pcre2_substring_number_from_name(regex, (PCRE2_SPTR) "steps") >= 0;
    if (steps && pcre2_substring_number_from_name(regex, (PCRE2_SPTR) "tokens") >= 0)
        reader_complain(reader, MEMBER(trainer.report),
                        "regex: it has the groups tokens and steps; leave one of them out");
    else if (steps && ABSENT(reader, training.batch_tokens))
        reader_complain(reader, MEMBER(trainer.report),
                        "regex: the group steps needs the tokens of a step; give "
                        "training.batch_tokens");
    pcre2_code_free(regex);
}

/* Whether a text differs between trials that may run at the same time. */
static bool is_own(const char *text, const struct trial_spec *spec)
{
    const struct placeholder_trial one = {.spec = spec,
                                          .trial_id = 1,
                                          .attempt = 1,
                                          .checkpoint = "1",
                                          .spec_file = "1",
                                          .port = 1,
                                          .worker = 1};
    const struct placeholder_trial two = {.spec = spec,
                                          .trial_id = 2,
                                          .attempt = 1,
                                          .checkpoint = "2",
                                          .spec_file = "2",
                                          .port = 2,
                                          .worker = 2};
    char a[2 * TRIAL_PATH], b[2 * TRIAL_PATH];
    return placeholder_expand(a, sizeof(a), text, &one, NULL) == 0 &&
           placeholder_expand(b, sizeof(b), text, &two, NULL) == 0 && strcmp(a, b) != 0;
}

static void check_report_file(struct plan_reader *reader)
{
    const struct plan *plan = reader->plan;
    const size_t member = MEMBER(trainer.report);
    const char *file = plan_report(plan, "file"), *loss = plan_report(plan, "loss");
    const char *tokens = plan_report(plan, "tokens"), *steps = plan_report(plan, "steps");
    struct trial_spec spec = plan_trial(plan);
    const struct placeholder_trial trial = {.spec = &spec, .trial_id = 1, .attempt = 1};
    char expanded[TRIAL_PATH];
    struct lr_error err = {0};
    if (plan_report(plan, "fd") || plan_report(plan, "prefix") || plan_report(plan, "regex"))
        reader_complain(reader, member, "give one of fd, prefix, regex and file");
    if (!file[0])
        reader_complain(reader, member, "file: is the file's name and cannot be empty");
    else if (placeholder_expand(expanded, sizeof(expanded), file, &trial, &err))
        reader_complain(reader, member, "file: %s", err.text);
    else if (!is_own(file, &spec) && (file[0] == '/' || !is_own(plan->trainer.cwd, &spec)))
        reader_complain(reader, member,
                        "file: trials that run at the same time would write the same file; put "
                        "{trial} into the folder that argv gives the program, and here, such as "
                        "out/{trial}/%s",
                        strrchr(file, '/') ? strrchr(file, '/') + 1 : file);
    if (!loss || !loss[0])
        reader_complain(reader, member,
                        "file needs the name that the loss has in it, such as loss: val_loss or "
                        "loss: eval/loss");
    if (tokens && steps)
        reader_complain(reader, member, "give one of tokens and steps");
    if ((tokens && !tokens[0]) || (steps && !steps[0]))
        reader_complain(reader, member, "tokens and steps are names in the file and not empty");
    if (steps && plan_largest_batch(plan) == 0)
        reader_complain(reader, member,
                        "steps needs training.batch_tokens, the tokens of a step; give it, or "
                        "tokens");
}

static void check_diverged(struct plan_reader *reader)
{
    if (GIVEN(reader, trainer.diverged) && reader->plan->trainer.diverged.regex[0])
        pcre2_code_free(
            compile_regex(reader, MEMBER(trainer.diverged), reader->plan->trainer.diverged.regex));
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
    if (plan_report(plan, "file"))
        check_report_file(reader);
    else if (plan_report(plan, "loss") || plan_report(plan, "tokens") || plan_report(plan, "steps"))
        reader_complain(reader, MEMBER(trainer.report),
                        "loss, tokens and steps are names in a file: give file, too");
    else if (plan->trainer.report_count != 1)
        reader_complain(reader, MEMBER(trainer.report), "give one of fd, prefix, regex and file");
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

/* Only transformer, command and external can search LR ratios and the weight decay, and simulate
 * those whose curvature is above 0: the other losses depend on one learning rate. */
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
        check_cwd(reader);
        check_env(reader);
        check_report(reader);
        check_diverged(reader);
        check_launcher(reader);
    }
    plan->surface.seed = plan->seed;
    check_ratios(reader);
    check_recipe(reader);
}
