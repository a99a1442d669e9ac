/* Any bytes as a journal: no crash, no leak, and whatever a campaign takes from it, it can go on
 * with. The bytes are read twice: as they are, and with a right checksum put to each line, because
 * no fuzzer finds checksums. */
#define _GNU_SOURCE /* memfd_create */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include "campaign/campaign.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/event_json.h"
#include "store/journal.h"

#define CRC_LENGTH (sizeof(",\"crc\":\"01234567\"}") - 1)

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct memory_file {
    int fd;
    char path[64];
};

static struct memory_file memory_file(const char *name)
{
    struct memory_file file = {.fd = memfd_create(name, 0)};
    DEMAND(file.fd >= 0);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

static const struct plan *small_plan(void)
{
    static const char text[] = "version: 1\nname: small\ntrainer: {kind: simulate}\n"
                               "search: {lr: [1e-3, 1e-1], horizons: [1M, 2M, 4M], policy: narrow, "
                               "bootstrap: 50}\ntarget: {tokens: 64M}\n";
    static struct plan plan;
    if (plan.search.horizon_count == 0) {
        struct memory_file file = memory_file("plan");
        struct plan_errors errors;
        DEMAND(write(file.fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
        DEMAND(plan_load(&plan, file.path, NULL, 0, &errors) == 0);
        plan_errors_release(&errors);
        close(file.fd);
    }
    return &plan;
}

/* One line alone: what is understood is written so that it means the same. */
static void line(const char *bytes, size_t size)
{
    struct event event, again;
    struct lr_error err = {0};
    char *copy = malloc(size + 1); /* its own block: reading past its end is seen */
    DEMAND(copy);
    memcpy(copy + 1, bytes, size);
    bool intact = event_line_intact(copy + 1, size);
    int rc = event_from_line(&event, copy + 1, size, &err);
    free(copy);
    DEMAND(rc == 0 || (rc == LR_EDAMAGED && err.text[0]));
    (void)intact;
    if (rc)
        return;
    size_t length, length_again;
    char *written = event_to_line(&event, &length);
    DEMAND(written && length == strlen(written) && written[length - 1] == '\n');
    DEMAND(event_line_intact(written, length - 1));
    DEMAND(event_from_line(&again, written, length - 1, NULL) == 0);
    char *written_again = event_to_line(&again, &length_again);
    DEMAND(written_again && strcmp(written, written_again) == 0);
    lr_free(written);
    lr_free(written_again);
}

static int on_event(void *context, const struct event *event, struct lr_error *err)
{
    int rc = campaign_check(context, event, err);
    DEMAND(campaign_apply(context, event, NULL) == rc);
    return rc;
}

/* Applies what can be applied. `further`: and what the campaign then wants next, and the answer,
 * which takes a thousand times as long. */
static void replay(const struct memory_file *file, bool further)
{
    struct campaign *campaign;
    struct answer *answer = malloc(sizeof(*answer));
    struct lr_error err = {0};
    const struct event *events;
    size_t count;
    DEMAND(answer && campaign_create(&campaign, small_plan(), NULL) == 0);
    int rc = journal_read(file->path, on_event, campaign, &err);
    DEMAND(rc == 0 || (rc == LR_EDAMAGED && err.text[0]));
    rc = further ? campaign_next(campaign, &events, &count, NULL) : LR_EINVAL;
    for (size_t i = 0; rc == 0 && i < count; i++)
        DEMAND(campaign_apply(campaign, &events[i], NULL) == 0);
    DEMAND(!further || campaign_answer(campaign, answer, NULL) == 0);
    campaign_destroy(campaign);
    free(answer);
}

static void write_sealed(const struct memory_file *file, const char *bytes, size_t size)
{
    char seal[CRC_LENGTH + 2];
    if (event_line_intact(bytes, size))
        size -= CRC_LENGTH;
    else if (size > 0 && bytes[size - 1] == '}')
        size--;
    snprintf(seal, sizeof(seal), ",\"crc\":\"%08" PRIx32 "\"}\n",
             (uint32_t)XXH3_64bits(bytes, size));
    DEMAND(write(file->fd, bytes, size) == (ssize_t)size);
    DEMAND(write(file->fd, seal, strlen(seal)) == (ssize_t)strlen(seal));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_file raw, sealed;
    const char *bytes = (const char *)data;
    if (!raw.path[0]) {
        lr_log_level_set(LR_LOG_ERROR);
        raw = memory_file("raw");
        sealed = memory_file("sealed");
    }
    DEMAND(ftruncate(raw.fd, 0) == 0 && pwrite(raw.fd, data, size, 0) == (ssize_t)size);
    replay(&raw, false);
    DEMAND(ftruncate(sealed.fd, 0) == 0 && lseek(sealed.fd, 0, SEEK_SET) == 0);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        line(bytes + at, length);
        write_sealed(&sealed, bytes + at, length);
        at += length + 1;
    }
    replay(&sealed, XXH3_64bits(data, size) % 256 == 0);
    return 0;
}
