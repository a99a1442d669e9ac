/* Message names and field tables, made from MESSAGE_MAP, and the codec. Encoding and decoding walk
 * the same field table, so they cannot drift apart. The cursor checks every bound before it touches
 * a byte and keeps its first failure. */
#include "lrsearch/message.h"

#include <stdbool.h>
#include <string.h>

#define FRAME_HEADER ((size_t)8)

#define FIELD_OWNER msg_hello
FIELD_TABLE_DEFINE(msg_hello, HELLO_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_assign
FIELD_TABLE_DEFINE(msg_assign, ASSIGN_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_progress
FIELD_TABLE_DEFINE(msg_progress, PROGRESS_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_result
FIELD_TABLE_DEFINE(msg_result, RESULT_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_cancel
FIELD_TABLE_DEFINE(msg_cancel, CANCEL_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_ping
FIELD_TABLE_DEFINE(msg_ping, PING_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_pong
FIELD_TABLE_DEFINE(msg_pong, PONG_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_stop
FIELD_TABLE_DEFINE(msg_stop, STOP_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_group
FIELD_TABLE_DEFINE(msg_group, GROUP_FIELDS)
#undef FIELD_OWNER

const char *message_name(uint32_t tag)
{
    switch (tag) {
#define X(TAG, value, name, FIELDS)                                                                \
    case value:                                                                                    \
        return #TAG;
        MESSAGE_MAP(X)
#undef X
    default:
        return "?";
    }
}

const struct field_table *message_fields(uint32_t tag)
{
    switch (tag) {
#define X(TAG, value, name, FIELDS)                                                                \
    case value:                                                                                    \
        return &msg_##name##_fields;
        MESSAGE_MAP(X)
#undef X
    default:
        return NULL;
    }
}

/* ---- the codec ---- */

struct cursor {
    unsigned char *out;      /* encoding */
    const unsigned char *in; /* decoding */
    size_t used, size;
    const char *failed; /* name of the first field that did not fit */
};

static bool has_room(struct cursor *cursor, size_t bytes, const char *name)
{
    if (cursor->failed)
        return false;
    if (bytes > cursor->size - cursor->used) {
        cursor->failed = name;
        return false;
    }
    return true;
}

static void put_uint(struct cursor *cursor, uint64_t value, size_t bytes, const char *name)
{
    if (!has_room(cursor, bytes, name))
        return;
    for (size_t i = 0; i < bytes; i++)
        cursor->out[cursor->used++] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_uint(struct cursor *cursor, size_t bytes, const char *name)
{
    uint64_t value = 0;
    if (!has_room(cursor, bytes, name))
        return 0;
    for (size_t i = 0; i < bytes; i++)
        value |= (uint64_t)cursor->in[cursor->used++] << (8 * i);
    return value;
}

static void encode_fields(struct cursor *cursor, const struct field_table *table, const char *base)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        const char *member = base + field->offset;
        uint32_t word = 0;
        uint64_t wide = 0;
        switch (field->type) {
        case FIELD_U32:
            memcpy(&word, member, sizeof(word));
            put_uint(cursor, word, 4, field->name);
            break;
        case FIELD_U64:
        case FIELD_F64: /* the IEEE bits */
            memcpy(&wide, member, sizeof(wide));
            put_uint(cursor, wide, 8, field->name);
            break;
        case FIELD_TEXT: {
            size_t length = strnlen(member, field->size - 1);
            put_uint(cursor, length, 2, field->name);
            if (has_room(cursor, length, field->name)) {
                memcpy(cursor->out + cursor->used, member, length);
                cursor->used += length;
            }
            break;
        }
        case FIELD_STRUCT:
            encode_fields(cursor, field->sub, member);
            break;
        }
    }
}

static void decode_fields(struct cursor *cursor, const struct field_table *table, char *base)
{
    for (size_t i = 0; i < table->count && !cursor->failed; i++) {
        const struct field *field = &table->fields[i];
        char *member = base + field->offset;
        switch (field->type) {
        case FIELD_U32: {
            uint32_t word = (uint32_t)get_uint(cursor, 4, field->name);
            memcpy(member, &word, sizeof(word));
            break;
        }
        case FIELD_U64:
        case FIELD_F64: {
            uint64_t wide = get_uint(cursor, 8, field->name);
            memcpy(member, &wide, sizeof(wide));
            break;
        }
        case FIELD_TEXT: {
            size_t length = (size_t)get_uint(cursor, 2, field->name);
            if (length >= field->size) { /* no room for the NUL */
                cursor->failed = field->name;
            } else if (has_room(cursor, length, field->name)) {
                const unsigned char *text = cursor->in + cursor->used;
                if (memchr(text, 0, length))
                    cursor->failed = field->name;
                memcpy(member, text, length);
                member[length] = 0;
                cursor->used += length;
            }
            break;
        }
        case FIELD_STRUCT:
            decode_fields(cursor, field->sub, member);
            break;
        }
    }
}

int wire_encode(const struct message *message, unsigned char *frame, size_t capacity)
{
    const struct field_table *table = message_fields(message->tag);
    if (!table || capacity < FRAME_HEADER)
        return LR_EPROTO;
    struct cursor body = {.out = frame, .used = FRAME_HEADER, .size = capacity};
    encode_fields(&body, table, (const char *)&message->as);
    if (body.failed)
        return LR_EPROTO;
    struct cursor header = {.out = frame, .size = FRAME_HEADER};
    put_uint(&header, MESSAGE_PROTOCOL, 2, "protocol");
    put_uint(&header, message->tag, 2, "tag");
    put_uint(&header, body.used - FRAME_HEADER, 4, "length");
    return (int)body.used;
}

static int decode(struct message *out, const unsigned char *frame, size_t length,
                  struct lr_error *err)
{
    struct cursor cursor = {.in = frame, .size = length};
    uint64_t protocol = get_uint(&cursor, 2, "protocol");
    uint64_t tag = get_uint(&cursor, 2, "tag");
    uint64_t body = get_uint(&cursor, 4, "length");
    if (cursor.failed)
        return lr_fail(err, LR_EPROTO, "frame of %zu bytes has no header", length);
    if (protocol != MESSAGE_PROTOCOL)
        return lr_fail(err, LR_EPROTO,
                       "message protocol %u, expected %u: all ranks must run the "
                       "same lrsearch",
                       (unsigned)protocol, MESSAGE_PROTOCOL);
    const struct field_table *table = message_fields((uint32_t)tag);
    if (!table)
        return lr_fail(err, LR_EPROTO, "unknown message tag %u", (unsigned)tag);
    if (body != length - FRAME_HEADER)
        return lr_fail(err, LR_EPROTO, "%s: %zu bytes follow the header, which says %u",
                       message_name((uint32_t)tag), length - FRAME_HEADER, (unsigned)body);
    out->tag = (enum message_tag)tag;
    decode_fields(&cursor, table, (char *)&out->as);
    if (cursor.failed)
        return lr_fail(err, LR_EPROTO, "%s: field %s is cut short or too long",
                       message_name((uint32_t)tag), cursor.failed);
    if (cursor.used != length)
        return lr_fail(err, LR_EPROTO, "%s: %zu bytes too many", message_name((uint32_t)tag),
                       length - cursor.used);
    return 0;
}

int wire_decode(struct message *out, const unsigned char *frame, size_t length,
                struct lr_error *err)
{
    memset(out, 0, sizeof(*out));
    int rc = decode(out, frame, length, err);
    if (rc)
        memset(out, 0, sizeof(*out));
    return rc;
}
