#ifndef LRSEARCH_EXPORT_FILES_H
#define LRSEARCH_EXPORT_FILES_H

#include <stdbool.h>
#include "campaign/campaign.h"
#include "lrsearch/answer.h"
#include "store/curves.h"

/* Exports a campaign in the formats of other programs. Each format makes its files in memory, so
 * that nothing is written to disk unless all of them succeed. */

struct export_source {
    const struct campaign *campaign;
    const struct answer *answer;
    const struct trial *const *trials; /* in the order of their ids */
    size_t trial_count;
    const struct curves *curves; /* of the same trials */
};

struct export_file {
    char name[64]; /* within the folder; "": the format is a single file */
    void *bytes;   /* lr_free() */
    size_t size;
};

struct export_files {
    struct export_file *files;
    size_t count, capacity;
};

struct export_format {
    const char *name;
    bool folder; /* writes several files into a folder */
    int (*make)(struct export_files *files, const struct export_source *source,
                struct lr_error *err);
};

extern const struct export_format export_formats[];
extern const size_t export_format_count;
const struct export_format *export_format_find(const char *name); /* NULL: not found */

/* Takes ownership of `bytes`, also on failure. `bytes` NULL: LR_ENOMEM. */
int export_files_add(struct export_files *files, const char *name, void *bytes, size_t size,
                     struct lr_error *err);
void export_files_release(struct export_files *files);

/* trials.csv, curves.csv, answer.csv and, for a campaign with axes, cells.csv. */
int export_csv(struct export_files *files, const struct export_source *source,
               struct lr_error *err);
/* One database; its tables are described in docs/results.md. */
int export_sqlite(struct export_files *files, const struct export_source *source,
                  struct lr_error *err);
/* TensorBoard's event files with hparams, one folder per trial. */
int export_tensorboard(struct export_files *files, const struct export_source *source,
                       struct lr_error *err);

/* The answer's numbers under the names that every format uses; NaN: not known. */
#define EXPORT_ANSWER_NUMBERS 19
struct export_number {
    const char *name;
    double value;
};
void export_answer(struct export_number out[EXPORT_ANSWER_NUMBERS], const struct answer *answer);

/* Whether a cell of trials.csv differs between trials. */
bool export_differs(const struct export_source *source, const char *cell);

#endif
