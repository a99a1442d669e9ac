/* Rules about who trains: what belongs to one kind of trainer says nothing to the others. */
#include <string.h>
#include "lrsearch/answer.h"
#include "plan/plan_reader.h"

static void check_matmul(struct plan_reader *reader)
{
    char products[TRIAL_PRODUCTS];
    const char *text = reader->plan->trainer.matmul;
    if (!reader_has(reader, MEMBER(trainer.matmul)) || strcmp(text, "auto") == 0 ||
        trial_products(products, text))
        return;
    reader_complain(
        reader, MEMBER(trainer.matmul),
        "\"%s\" is not known: use auto, own, openblas or onednn, or the %d letters that "
        "an earlier run's provenance.json has as \"matmul\"",
        text, TRIAL_PRODUCTS - 1);
}

static void add_column(struct plan *plan, const char *name)
{
    if (plan_column(plan, name) || plan->trainer.column_count == PLAN_PAIRS)
        return;
    struct plan_pair *pair = &plan->trainer.columns[plan->trainer.column_count++];
    memcpy(pair->key, name, strlen(name) + 1);
    memcpy(pair->value, name, strlen(name) + 1);
}

/* Which rows a value of an axis has, a column must say; and a column is of no use without a value.
 */
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
            if (named && reader_state(reader, key->offset)->status == KEY_ABSENT &&
                !reader_has(reader, key->offset))
                reader_complain(reader, MEMBER(trainer.columns),
                                "names a column for %s, but %s.%s does not say which of its values "
                                "count",
                                key->name, plan_sections[s].name, key->name);
        }
}

static void check_table(struct plan_reader *reader)
{
    static const size_t members[] = {MEMBER(trainer.table), MEMBER(trainer.columns),
                                     MEMBER(trainer.where)};
    if (reader->plan->trainer.kind == TRAINER_REPLAY) {
        add_column(reader->plan, "lr");
        add_column(reader->plan, "tokens");
        add_column(reader->plan, "loss");
        check_axis_columns(reader);
        return;
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (reader_given(reader, members[i]))
            reader_complain(reader, members[i], "is for trainer.kind: replay only; leave it out");
}

static void check_surface(struct plan_reader *reader)
{
    const struct plan_section *section = plan_section_find("simulate");
    reader->plan->surface.seed = reader->plan->seed;
    for (size_t k = 0; reader->plan->trainer.kind != TRAINER_SIMULATE && k < section->count; k++)
        if (reader_given(reader, section->keys[k].offset))
            reader_complain(reader, section->keys[k].offset,
                            "is for trainer.kind: simulate only; leave it out");
}

/* Their losses know one learning rate only, but for made-up ones of which more is asked. */
static void check_ratios(struct plan_reader *reader)
{
    static const size_t members[] = {MEMBER(model.embedding_lr_ratio),
                                     MEMBER(model.output_lr_ratio)};
    const struct plan *plan = reader->plan;
    const double *ratios[] = {plan->model.embedding_lr_ratio, plan->model.output_lr_ratio};
    bool made_up = plan->trainer.kind == TRAINER_SIMULATE && plan->surface.ratio_curvature > 0;
    bool known = plan->trainer.kind == TRAINER_TRANSFORMER || plan->trainer.kind == TRAINER_COMMAND;
    for (size_t i = made_up ? 1 : 0; !known && i < 2; i++)
        if (reader_given(reader, members[i]) && ratios[i][0] < ratios[i][1])
            reader_complain(reader, members[i],
                            "cannot be searched with trainer.kind: %s; give one number%s",
                            trainer_name(plan->trainer.kind),
                            plan->trainer.kind == TRAINER_SIMULATE && i == RATIO_EMBEDDING
                                ? ", or simulate.ratio_curvature"
                                : "");
}

void reader_check_trainer(struct plan_reader *reader)
{
    check_matmul(reader);
    if (!reader_has(reader, MEMBER(trainer.kind)))
        return;
    check_table(reader);
    reader_check_command(reader);
    check_surface(reader);
    check_ratios(reader);
}
