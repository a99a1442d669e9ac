/* The wire codec: every message survives the way there and back; nothing malformed gets through. */
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "lrsearch/message.h"

static const uint32_t tags[] = {
#define X(TAG, value, tag, FIELDS) value,
    MESSAGE_MAP(X)
#undef X
};
#define TAG_COUNT (sizeof(tags) / sizeof(tags[0]))

static void fill(const struct field_table *table, char *base, uint64_t *draw)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        char *member = base + field->offset;
        uint64_t bits = rng_u64(1, RNG_SIMULATE, (*draw)++);
        if (field->type == FIELD_STRUCT) {
            fill(field->sub, member, draw);
        } else if (field->type == FIELD_TEXT) {
            memset(member, 'x', field->size - 1); /* as long as it may be */
        } else {
            memcpy(member, &bits, field->size);
        }
    }
}

static struct message filled(uint32_t tag)
{
    struct message message;
    uint64_t draw = tag * 1000u;
    memset(&message, 0, sizeof(message));
    message.tag = (enum message_tag)tag;
    fill(message_fields(tag), (char *)&message.as, &draw);
    return message;
}

static void every_message_survives(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAG_COUNT; i++) {
        struct message there = filled(tags[i]), back;
        struct lr_error err = {0};
        unsigned char frame[WIRE_FRAME_MAX];
        int length = wire_encode(&there, frame, sizeof(frame));
        assert_true(length > 0);
        assert_int_equal(wire_decode(&back, frame, (size_t)length, &err), 0);
        assert_memory_equal(&there, &back, sizeof(there));
    }
}

static void layout_is_little_endian_and_fixed(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        MESSAGE_PROTOCOL, 0, 5, 0, 12, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 1, 0, 0, 0};
    struct message cancel = {.tag = MSG_CANCEL};
    unsigned char frame[WIRE_FRAME_MAX];
    cancel.as.cancel.trial_id = 0x05060708;
    cancel.as.cancel.attempt = 0x01020304;
    cancel.as.cancel.save = 1;
    assert_int_equal(wire_encode(&cancel, frame, sizeof(frame)), (int)sizeof(expected));
    assert_memory_equal(frame, expected, sizeof(expected));
}

static void nan_and_infinity_keep_their_bits(void **state)
{
    (void)state;
    struct message there = {.tag = MSG_PROGRESS}, back;
    unsigned char frame[WIRE_FRAME_MAX];
    there.as.progress.train_loss = NAN;
    there.as.progress.seconds = -INFINITY;
    int length = wire_encode(&there, frame, sizeof(frame));
    assert_int_equal(wire_decode(&back, frame, (size_t)length, NULL), 0);
    assert_true(isnan(back.as.progress.train_loss));
    assert_true(isinf(back.as.progress.seconds) && back.as.progress.seconds < 0);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAG_COUNT; i++) {
        struct message message = filled(tags[i]), zero;
        unsigned char frame[WIRE_FRAME_MAX];
        int length = wire_encode(&message, frame, sizeof(frame));
        memset(&zero, 0, sizeof(zero));
        for (int cut = 0; cut < length; cut++) {
            struct message back;
            struct lr_error err = {0};
            assert_int_equal(wire_decode(&back, frame, (size_t)cut, &err), LR_EPROTO);
            assert_true(err.text[0] != 0);
            assert_memory_equal(&back, &zero, sizeof(back));
            /* also when the header agrees with the cut */
            if (cut >= 8) {
                unsigned char shorter[WIRE_FRAME_MAX];
                memcpy(shorter, frame, (size_t)cut);
                shorter[4] = (unsigned char)(cut - 8);
                shorter[5] = (unsigned char)((cut - 8) >> 8);
                assert_int_equal(wire_decode(&back, shorter, (size_t)cut, NULL), LR_EPROTO);
            }
        }
        for (int room = 0; room < length; room++)
            assert_int_equal(wire_encode(&message, frame, (size_t)room), LR_EPROTO);
    }
}

static void malformed_frames_say_what_is_wrong(void **state)
{
    (void)state;
    struct message ping = {.tag = MSG_PING}, hello = {.tag = MSG_HELLO}, back;
    unsigned char frame[WIRE_FRAME_MAX];
    struct lr_error err = {0};

    int length = wire_encode(&ping, frame, sizeof(frame));
    char wanted[128];
    snprintf(wanted, sizeof(wanted),
             "message protocol %u, expected %u: all ranks must run the same lrsearch",
             MESSAGE_PROTOCOL + 1, MESSAGE_PROTOCOL);
    frame[0] = MESSAGE_PROTOCOL + 1;
    wire_decode(&back, frame, (size_t)length, &err);
    assert_string_equal(err.text, wanted);

    memset(&err, 0, sizeof(err));
    wire_encode(&ping, frame, sizeof(frame));
    frame[2] = 99;
    wire_decode(&back, frame, (size_t)length, &err);
    assert_string_equal(err.text, "unknown message tag 99");

    memset(&err, 0, sizeof(err));
    wire_encode(&ping, frame, sizeof(frame));
    frame[length] = 0;
    frame[4]++;
    wire_decode(&back, frame, (size_t)length + 1, &err);
    assert_string_equal(err.text, "PING: 1 bytes too many");

    /* a text longer than its member, and one with a NUL inside */
    memset(&err, 0, sizeof(err));
    strcpy(hello.as.hello.host, "node17");
    length = wire_encode(&hello, frame, sizeof(frame));
    frame[8 + 4 + 8 + 8] = 200;
    wire_decode(&back, frame, (size_t)length, &err);
    assert_string_equal(err.text, "HELLO: field host is cut short or too long");
    wire_encode(&hello, frame, sizeof(frame));
    frame[8 + 4 + 8 + 8 + 2 + 3] = 0;
    assert_int_equal(wire_decode(&back, frame, (size_t)length, NULL), LR_EPROTO);
}

static void noise_never_crashes(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 20000; round++) {
        struct message message = filled(tags[round % TAG_COUNT]), back;
        unsigned char frame[WIRE_FRAME_MAX];
        int length = wire_encode(&message, frame, sizeof(frame));
        for (uint64_t flip = 0; flip < 3; flip++) {
            uint64_t bit = rng_below(2, RNG_SIMULATE, 3 * round + flip, (uint64_t)length * 8);
            frame[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        }
        int rc = wire_decode(&back, frame, (size_t)length, NULL);
        assert_true(rc == 0 || rc == LR_EPROTO);
    }
}

/* A coordinator without memory can still say stop. */
static void nothing_is_allocated(void **state)
{
    (void)state;
    for (size_t i = 0; i < TAG_COUNT; i++) {
        struct message there = filled(tags[i]), back;
        unsigned char frame[WIRE_FRAME_MAX];
        lr_memory_fail_after(0);
        int length = wire_encode(&there, frame, sizeof(frame));
        int rc = length < 0 ? length : wire_decode(&back, frame, (size_t)length, NULL);
        assert_int_equal(wire_decode(&back, frame, 7, NULL), LR_EPROTO);
        assert_null(lr_malloc(1)); /* the failure is still to come */
        assert_int_equal(rc, 0);
    }
}

/* tests/fuzz begins at these: of another protocol they would all be refused at the first byte. */
static void the_fuzzer_begins_at_messages(void **state)
{
    static const char *const names[] = {
#define X(TAG, value, tag, FIELDS) #tag,
        MESSAGE_MAP(X)
#undef X
    };
    const char *source = getenv("LRSEARCH_SOURCE_DIR");
    (void)state;
    for (size_t i = 0; i < TAG_COUNT; i++) {
        char path[1024];
        unsigned char frame[WIRE_FRAME_MAX];
        struct message message;
        struct lr_error err = {0};
        snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/wire/%s", source ? source : ".",
                 names[i]);
        FILE *file = fopen(path, "rb");
        if (!file)
            fail_msg("%s: cannot open it", path);
        size_t length = fread(frame, 1, sizeof(frame), file);
        fclose(file);
        if (wire_decode(&message, frame, length, &err))
            fail_msg("%s: %s", path, err.text);
        assert_int_equal(message.tag, tags[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives),
        cmocka_unit_test(layout_is_little_endian_and_fixed),
        cmocka_unit_test(nan_and_infinity_keep_their_bits),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(malformed_frames_say_what_is_wrong),
        cmocka_unit_test(noise_never_crashes),
        cmocka_unit_test(nothing_is_allocated),
        cmocka_unit_test(the_fuzzer_begins_at_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
