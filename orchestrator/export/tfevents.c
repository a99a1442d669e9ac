/* Field numbers are from event.proto, summary.proto and the hparams plugin's plugin_data.proto. */
#include "export/tfevents.h"

#include <string.h>
#include "lrsearch/memory.h"

#define CASTAGNOLI 0x82f63b78u /* polynomial, reflected */
#define MASK 0xa282ead8u

enum wire { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

static void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
    while (!bytes->failed && bytes->capacity - bytes->used < size) {
        char *larger = lr_grow(bytes->data, bytes->capacity, &bytes->capacity, 1);
        bytes->failed = !larger;
        if (larger)
            bytes->data = larger;
    }
    if (bytes->failed || size == 0)
        return;
    memcpy(bytes->data + bytes->used, data, size);
    bytes->used += size;
}

void bytes_release(struct bytes *bytes)
{
    lr_free(bytes->data);
    memset(bytes, 0, sizeof(*bytes));
}

/* ---- protocol buffers ---- */

static void add_varint(struct bytes *out, uint64_t value)
{
    unsigned char text[10];
    size_t used = 0;
    do {
        text[used++] = (unsigned char)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value);
    bytes_add(out, text, used);
}

static void add_key(struct bytes *out, uint32_t field, enum wire wire)
{
    add_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

/* Little-endian. */
static void add_fixed(struct bytes *out, uint64_t bits, size_t size)
{
    unsigned char text[8];
    for (size_t i = 0; i < size; i++)
        text[i] = (unsigned char)(bits >> 8 * i);
    bytes_add(out, text, size);
}

void pb_int(struct bytes *out, uint32_t field, uint64_t value)
{
    add_key(out, field, WIRE_VARINT);
    add_varint(out, value);
}

void pb_double(struct bytes *out, uint32_t field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    add_key(out, field, WIRE_64);
    add_fixed(out, bits, sizeof(bits));
}

static void pb_float(struct bytes *out, uint32_t field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    add_key(out, field, WIRE_32);
    add_fixed(out, bits, sizeof(bits));
}

void pb_text(struct bytes *out, uint32_t field, const char *text)
{
    add_key(out, field, WIRE_BYTES);
    add_varint(out, strlen(text));
    bytes_add(out, text, strlen(text));
}

void pb_part(struct bytes *out, uint32_t field, struct bytes *part)
{
    add_key(out, field, WIRE_BYTES);
    add_varint(out, part->used);
    bytes_add(out, part->data, part->used);
    out->failed = out->failed || part->failed;
    bytes_release(part);
}

/* ---- records ---- */

uint32_t tfevents_crc32c(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? CASTAGNOLI : 0);
    }
    return ~crc;
}

static void add_masked_crc(struct bytes *out, const void *data, size_t size)
{
    uint32_t crc = tfevents_crc32c(data, size);
    add_fixed(out, (crc >> 15 | crc << 17) + MASK, 4);
}

/* Releases `event`. */
static void add_record(struct bytes *file, struct bytes *event)
{
    size_t begin = file->used;
    add_fixed(file, event->used, 8);
    if (!file->failed)
        add_masked_crc(file, file->data + begin, 8);
    bytes_add(file, event->data, event->used);
    add_masked_crc(file, event->data, event->used);
    file->failed = file->failed || event->failed;
    bytes_release(event);
}

/* ---- events ---- */

void tfevents_begin(struct bytes *file, double wall_time)
{
    struct bytes event = {0};
    pb_double(&event, 1, wall_time);
    pb_text(&event, 3, "brain.Event:2"); /* file_version */
    add_record(file, &event);
}

/* An event with one Summary.Value, which is released. */
static void add_summary(struct bytes *file, double wall_time, uint64_t step, struct bytes *value)
{
    struct bytes event = {0}, summary = {0};
    pb_part(&summary, 1, value);
    pb_double(&event, 1, wall_time);
    pb_int(&event, 2, step);
    pb_part(&event, 5, &summary);
    add_record(file, &event);
}

void tfevents_scalar(struct bytes *file, double wall_time, uint64_t step, const char *tag,
                     double number)
{
    struct bytes value = {0};
    pb_text(&value, 1, tag);
    pb_float(&value, 2, (float)number);
    add_summary(file, wall_time, step, &value);
}

void tfevents_hparams(struct bytes *file, double wall_time, const char *tag, struct bytes *data)
{
    struct bytes value = {0}, metadata = {0}, plugin = {0};
    pb_text(&plugin, 1, "hparams");
    pb_part(&plugin, 2, data);
    pb_part(&metadata, 1, &plugin);
    pb_text(&value, 1, tag);
    pb_part(&value, 9, &metadata);
    add_summary(file, wall_time, 0, &value);
}
