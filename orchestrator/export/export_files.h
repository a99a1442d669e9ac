#ifndef LRSEARCH_EXPORT_FILES_H
#define LRSEARCH_EXPORT_FILES_H

#include <stdbool.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "store/curves.h"

/* A campaign in the formats of other programs. Each format turns what is known into files in
 * memory, so that nothing is begun on disk before all is well. */

struct export_source {
    const struct campaign *campaign;
    const struct answer *answer;
    const struct trial *const *trials; /* in the order of their ids */
    size_t trial_count;
    const struct curves *curves; /* of the same trials */
};

struct export_file {
    char name[64]; /* within the folder; "": the format is this one file */
    void *bytes;   /* lr_free() */
    size_t size;
};

struct export_files {
    struct export_file *files;
    size_t count, capacity;
};

struct export_format {
    const char *name;
    bool folder; /* its files lie in a folder */
    int (*make)(struct export_files *files, const struct export_source *source,
                struct lr_error *err);
};

extern const struct export_format export_formats[];
extern const size_t export_format_count;
const struct export_format *export_format_find(const char *name); /* NULL: there is none */

/* Takes `bytes` over, also when it fails; NULL: LR_ENOMEM. */
int export_files_add(struct export_files *files, const char *name, void *bytes, size_t size,
                     struct lr_error *err);
void export_files_release(struct export_files *files);

/* trials.csv, curves.csv, answer.csv and, of a campaign with axes, cells.csv. */
int export_csv(struct export_files *files, const struct export_source *source,
               struct lr_error *err);
/* One database; its tables are described in plans/README.md. */
int export_sqlite(struct export_files *files, const struct export_source *source,
                  struct lr_error *err);
/* TensorBoard's event files, a folder a trial, with hparams. */
int export_tensorboard(struct export_files *files, const struct export_source *source,
                       struct lr_error *err);

/* The answer's numbers with the names that every format gives them; what is not known is NaN. */
#define EXPORT_ANSWER_NUMBERS 14
struct export_number {
    const char *name;
    double value;
};
void export_answer(struct export_number out[EXPORT_ANSWER_NUMBERS], const struct answer *answer);

/* What a reader may want to tell trials apart by: whether it is not the same for all. */
bool export_differs(const struct export_source *source, const char *cell);

#endif
