#ifndef LRSEARCH_TABLE_REQUEST_H
#define LRSEARCH_TABLE_REQUEST_H

#include <stdbool.h>
#include "cli/options.h"
#include "data/sweep.h"
#include "lrsearch/error.h"

/* What --table, --columns and --where ask of a table. */
struct table_request {
    struct sweep_request sweep; /* of optima: lr is their column, loss that of their errors */
    bool optima;                /* --columns lr_opt=... */
    bool with_errors;           /* and se=... */
    char **texts;               /* its own: of columns, and of each where */
    size_t text_count;
    struct sweep_where *where;
};

/* LR_EUSAGE or LR_ENOMEM; release it in any case. */
int table_request_init(struct table_request *request, const struct options *options,
                       struct lr_error *err);
void table_request_release(struct table_request *request);

#endif
