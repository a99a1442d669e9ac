#include "cli/table_request.h"

#include <string.h>
#include "lrsearch/memory.h"

enum column { LR, TOKENS, LOSS, SEED, LR_OPT, SE, COLUMNS };
static const char *const column_names[COLUMNS] = {"lr", "tokens", "loss", "seed", "lr_opt", "se"};

/* A copy that the request owns; NULL without memory. */
static char *keep(struct table_request *request, const char *text)
{
    char *copy = lr_strdup(text);
    if (copy)
        request->texts[request->text_count++] = copy;
    return copy;
}

static int take_column(const char *columns[COLUMNS], char *part, struct lr_error *err)
{
    char *name = strchr(part, '=');
    if (name && name[1]) {
        *name++ = '\0';
        for (int c = 0; c < COLUMNS; c++)
            if (strcmp(part, column_names[c]) == 0) {
                columns[c] = name;
                return 0;
            }
    }
    return lr_fail(err, LR_EUSAGE,
                   "--columns: '%s' is not understood; it names the table's columns, as in "
                   "lr=LR,tokens=D,loss=L,seed=S, or lr_opt=LR,tokens=D,se=E",
                   part);
}

static int take_columns(struct table_request *request, const char *columns[COLUMNS],
                        const char *given, struct lr_error *err)
{
    char *text = keep(request, given);
    if (!text)
        return lr_nomem(err);
    for (char *part = text; part;) {
        char *comma = strchr(part, ',');
        if (comma)
            *comma = '\0';
        int rc = take_column(columns, part, err);
        if (rc)
            return rc;
        part = comma ? comma + 1 : NULL;
    }
    bool losses = columns[LR] || columns[LOSS] || columns[SEED];
    if (columns[LR_OPT] && losses)
        return lr_fail(
            err, LR_EUSAGE,
            "--columns: lr_opt is the best learning rate of a horizon, lr, loss and seed "
            "are of single trainings; name one of the two");
    if (columns[SE] && !columns[LR_OPT])
        return lr_fail(err, LR_EUSAGE, "--columns: se is of lr_opt, which is not named");
    return 0;
}

static int take_where(struct table_request *request, const char *given, struct lr_error *err)
{
    char *column = keep(request, given), *value;
    if (!column)
        return lr_nomem(err);
    value = strchr(column, '='); /* it is there: options.c has seen to that */
    *value++ = '\0';
    request->where[request->sweep.where_count++] = (struct sweep_where){column, value};
    return 0;
}

static const char *or_else(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

int table_request_init(struct table_request *request, const struct options *options,
                       struct lr_error *err)
{
    const char *columns[COLUMNS] = {NULL};
    struct sweep_request *sweep = &request->sweep;
    int rc = 0;
    memset(request, 0, sizeof(*request));
    request->texts = lr_calloc(options->where_count + 1, sizeof(*request->texts));
    request->where = lr_calloc(options->where_count + 1, sizeof(*request->where));
    if (!request->texts || !request->where)
        return lr_nomem(err);
    if (options->columns)
        rc = take_columns(request, columns, options->columns, err);
    for (size_t i = 0; !rc && i < options->where_count; i++)
        rc = take_where(request, options->wheres[i], err);
    request->optima = columns[LR_OPT];
    request->with_errors = columns[SE];
    sweep->path = options->table;
    sweep->where = request->where;
    sweep->tokens = or_else(columns[TOKENS], "tokens");
    sweep->lr = request->optima ? columns[LR_OPT] : or_else(columns[LR], "lr");
    sweep->loss =
        request->optima ? or_else(columns[SE], columns[LR_OPT]) : or_else(columns[LOSS], "loss");
    sweep->seed = columns[SEED];
    return rc;
}

void table_request_release(struct table_request *request)
{
    for (size_t i = 0; i < request->text_count; i++)
        lr_free(request->texts[i]);
    lr_free(request->texts);
    lr_free(request->where);
    memset(request, 0, sizeof(*request));
}
