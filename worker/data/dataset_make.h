#ifndef LRSEARCH_DATASET_MAKE_H
#define LRSEARCH_DATASET_MAKE_H

#include "data/dataset.h"
#include "data/dataset_file.h"

/* The two ways to a DATASET.json, for dataset.c. Each finds or makes it in `folder` (absolute, no
 * slash at the end, room for a name of 64 bytes), reads it to *file and sets out->path, hash and
 * cached. */

/* How many tokens are scored: of text all from val_first on, of token files val_tokens at most. */
uint64_t dataset_val_tokens(const struct dataset_file *file, const struct dataset_request *request);

int dataset_from_text(struct dataset *out, struct dataset_file *file,
                      const struct dataset_request *request, const char *folder,
                      struct lr_error *err);
int dataset_from_tokens(struct dataset *out, struct dataset_file *file,
                        const struct dataset_request *request, const char *folder,
                        struct lr_error *err);

#endif
