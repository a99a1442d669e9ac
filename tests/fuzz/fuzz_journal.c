/* Any bytes as a journal: no crash, no leak, and whatever a campaign takes from it, it can go on
 * with. The bytes are read as they are, and with a right checksum put to each line, because no
 * fuzzer finds checksums. What the campaign then wants, and its answer, take a hundred times as
 * long as the rest: they are asked for once for each state, as often as the time allows. A first
 * byte below 32 is the number of an event for which there is no memory (not of a line: jansson 2.14
 * copies past its own buffer when that buffer cannot grow within a string). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>
#include "campaign/campaign_answer.h"
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "fuzz_input.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "store/event_json.h"
#include "store/journal.h"
#include "plan/plan_load.h"

#define CRC_LENGTH (sizeof(",\"crc\":\"01234567\"}") - 1)
#define NEXT_MOST 8 /* questions until a campaign wants nothing more for now */

static const struct plan *small_plan(void)
{
    static const char text[] = "version: 1\nname: small\ntrainer: {kind: simulate}\n"
                               "search: {lr: [1e-3, 1e-1], horizons: [1M, 2M, 4M], policy: grid}\n"
                               "target: {tokens: 64M}\n";
    static struct plan plan;
    if (plan.search.horizon_count == 0) {
        struct memory_file file = memory_file_create("plan");
        struct plan_errors errors;
        memory_file_fill(&file, text, sizeof(text) - 1);
        DEMAND(plan_load(&plan, file.path, NULL, 0, &errors) == 0);
        plan_errors_release(&errors);
        close(file.fd);
    }
    return &plan;
}

/* What is understood is written so that it means the same. */
static void write_again(const struct event *event)
{
    struct event again;
    size_t length, length_again;
    char *written = event_to_line(event, &length);
    DEMAND(written && length == strlen(written) && written[length - 1] == '\n');
    DEMAND(event_line_intact(written, length - 1));
    DEMAND(event_from_line(&again, written, length - 1, NULL) == 0);
    char *written_again = event_to_line(&again, &length_again);
    DEMAND(written_again && strcmp(written, written_again) == 0);
    lr_free(written);
    lr_free(written_again);
}

/* One line alone. */
static void line(const char *bytes, size_t size)
{
    struct event event;
    struct lr_error err = {0};
    char *copy = fuzz_copy(bytes, size);
    event_line_intact(copy, size);
    int rc = event_from_line(&event, copy, size, &err);
    fuzz_copy_free(copy);
    DEMAND(rc == 0 || (rc == LR_EDAMAGED && err.text[0]));
    if (rc == 0)
        write_again(&event);
}

/* ---- the whole ---- */

struct replay {
    struct campaign *campaign;
    uint64_t state; /* hash of the events that it took */
    size_t events;
    long without_memory; /* the event for which there is none; -1: there is for all */
};

static int on_event(void *context, const struct event *event, struct lr_error *err)
{
    struct replay *replay = context;
    int rc = campaign_check(replay->campaign, event, err);
    DEMAND(rc == 0 || !err || err->text[0]);
    if ((long)replay->events++ == replay->without_memory) {
        lr_memory_fail_after(0);
        int failed = campaign_apply(replay->campaign, event, NULL);
        lr_memory_fail_after(-1);
        DEMAND(failed == rc || failed == LR_ENOMEM);
        if (failed == 0)
            return 0;
    }
    DEMAND(campaign_apply(replay->campaign, event, NULL) == rc);
    if (rc == 0)
        replay->state = XXH3_64bits_withSeed(event, sizeof(*event), replay->state);
    return rc;
}

static int on_event_ignored(void *context, const struct event *event, struct lr_error *err)
{
    (void)err;
    DEMAND(event->kind < EVENT_KINDS);
    ++*(size_t *)context;
    return 0;
}

static void go_further(struct campaign *campaign)
{
    static struct answer answer;
    struct next_events next = {.count = 1};
    size_t times = 0;
    int rc = 0;
    for (; rc == 0 && next.count > 0; times++) {
        struct lr_error err = {0};
        DEMAND(times < NEXT_MOST);
        rc = campaign_next(campaign, NULL, &next, &err);
        DEMAND(rc == 0 || (next.count == 0 && err.text[0]));
        for (size_t i = 0; i < next.count; i++) {
            write_again(&next.events[i]);
            DEMAND(campaign_apply(campaign, &next.events[i], NULL) == 0);
        }
    }
    next_events_release(&next);
    DEMAND(campaign_answer(campaign, &answer, NULL) == 0);
}

static void replay_file(const struct memory_file *file, long without_memory)
{
    struct replay replay = {.without_memory = without_memory};
    struct lr_error err = {0};
    DEMAND(campaign_create(&replay.campaign, small_plan(), NULL) == 0);
    int rc = journal_read(file->path, on_event, &replay, &err);
    DEMAND(rc == 0 || (rc == LR_EDAMAGED && err.text[0]));
    if (campaign_trial_count(replay.campaign) > 0 && fuzz_slow_begin(replay.state)) {
        go_further(replay.campaign);
        fuzz_slow_end();
    }
    campaign_destroy(replay.campaign);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_file raw, sealed;
    long without_memory = fuzz_take_countdown(&data, &size);
    const char *bytes = (const char *)data;
    size_t lines = 0;
    struct lr_error err = {0};
    if (!raw.path[0]) {
        lr_log_level_set(LR_LOG_ERROR);
        raw = memory_file_create("raw");
        sealed = memory_file_create("sealed");
    }
    memory_file_fill(&raw, bytes, size);
    int rc = journal_read(raw.path, on_event_ignored, &lines, &err);
    DEMAND(rc == 0 || (rc == LR_EDAMAGED && err.text[0]));
    DEMAND(ftruncate(sealed.fd, 0) == 0 && lseek(sealed.fd, 0, SEEK_SET) == 0);
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        if (fuzz_is_new(XXH3_64bits(bytes + at, length)))
            line(bytes + at, length);
        write_sealed(&sealed, bytes + at, length);
        at += length + 1;
    }
    replay_file(&sealed, without_memory);
    return 0;
}
