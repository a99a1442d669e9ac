#ifndef LRSEARCH_STATUS_PRINT_H
#define LRSEARCH_STATUS_PRINT_H

#include <stdio.h>
#include "lrsearch/error.h"
#include "report/status_view.h"

struct status_layout {
    size_t columns;     /* of the plot; the text keeps to 80 */
    size_t plot_rows;   /* 0: no plot */
    size_t worker_rows; /* more are counted */
    bool brief;         /* for a small screen: no explanations, no table of cells */
    bool unicode;
};

/* Where a campaign stands, for a person. */
void status_print_text(FILE *out, const struct status_view *view,
                       const struct status_layout *layout);

/* The view as one JSON value on stdout (README.md describes it); its answer is the value of
 * result.json, as it would be now. 0 or LR_ENOMEM. */
int status_print_json(const struct status_view *view, struct lr_error *err);

#endif
