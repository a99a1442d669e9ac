/* A long text is read in part: its size is extrapolated from the share of its compressed bytes that
 * was read. Tokens are counted with a vocabulary learned on the head, as a campaign learns it on
 * the whole text. */
#include "estimate/text_sample.h"

#include <stdio.h>
#include <string.h>
#include "data/dataset.h"
#include "data/text_reader.h"
#include "estimate/temp_data.h"
#include "lrsearch/memory.h"

#define READ_MOST (1u << 28) /* bytes of text; the size of more is extrapolated */
#define HEAD (1u << 21)      /* bytes that the vocabulary is learned on */

int text_sample_read(struct text_sample *out, const char *const *texts, size_t count,
                     const struct stage_report *stages, struct lr_error *err)
{
    struct text_reader *reader;
    char *chunk = lr_malloc(HEAD);
    long got = 1;
    int rc = 0;
    *out = (struct text_sample){.head = lr_malloc(HEAD)};
    if (!chunk || !out->head) {
        rc = lr_nomem(err);
        goto out;
    }
    if ((rc = text_reader_open(&reader, texts, count, err)))
        goto out;
    while (got > 0 && out->bytes < READ_MOST) {
        if ((got = text_reader_read(reader, chunk, HEAD, err)) < 0) {
            rc = (int)got;
            goto close;
        }
        size_t room = HEAD - out->head_size, more = (size_t)got < room ? (size_t)got : room;
        memcpy(out->head + out->head_size, chunk, more);
        out->head_size += more;
        out->bytes += (double)got;
        stage_say(stages, "reading the text", text_reader_share(reader));
    }
    double share = text_reader_share(reader);
    out->whole = got == 0;
    if (!out->whole && share > 0)
        out->bytes /= share;
close:
    text_reader_close(reader);
out:
    stage_over(stages);
    lr_free(chunk);
    if (rc)
        text_sample_release(out);
    return rc;
}

void text_sample_release(struct text_sample *sample)
{
    lr_free(sample->head);
    sample->head = NULL;
}

static int write_head(const struct text_sample *sample, const char *path, struct lr_error *err)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return lr_fail_errno(err, LR_ECREATE, "%s", path);
    size_t written = fwrite(sample->head, 1, sample->head_size, file);
    if (fclose(file) || written < sample->head_size)
        return lr_fail_errno(err, LR_EIO, "%s: cannot write it", path);
    return 0;
}

int text_sample_bytes_per_token(const struct text_sample *sample, uint32_t vocab, double *out,
                                const struct stage_report *stages, struct lr_error *err)
{
    char folder[TEMP_FOLDER], path[TEMP_FOLDER + 16];
    const char *const texts[] = {path};
    const struct dataset_request request = {.texts = texts,
                                            .text_count = 1,
                                            .bpe = true,
                                            .vocab = vocab,
                                            .context = 1,
                                            .cache_dir = folder,
                                            .stages = stages};
    struct dataset dataset;
    int rc;
    if ((rc = temp_folder_make(folder, "lrsearch-plan", err)))
        return rc;
    snprintf(path, sizeof(path), "%s/sample.txt", folder);
    if ((rc = write_head(sample, path, err)))
        goto out;
    if ((rc = dataset_prepare(&dataset, &request, err)))
        goto out;
    *out = dataset.bytes_per_token;
out:
    stage_over(stages);
    temp_folder_remove(folder);
    return rc;
}
