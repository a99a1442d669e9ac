#ifndef LRSEARCH_DATASET_TEXT_H
#define LRSEARCH_DATASET_TEXT_H

#include "data/dataset.h"
#include "data/dataset_file.h"

/* From text to a DATASET.json, for dataset.c: finds or creates it in `folder` (absolute, no slash
 * at the end, room for a name of 64 bytes), reads it into *file and sets out->path, hash and
 * cached. */
int dataset_from_text(struct dataset *out, struct dataset_file *file,
                      const struct dataset_request *request, const char *folder,
                      struct lr_error *err);

#endif
