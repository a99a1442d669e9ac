/* By the field tables, so that a new field is awkward too. */
#include "awkward_event.h"

#include "cmocka_all.h"
#include <math.h>
#include <string.h>

/* Every field of the event another value, from awkward ones. */
static void fill(const struct field_table *table, char *owner, uint32_t *n)
{
    static const double doubles[] = {
        NAN,     INFINITY, -INFINITY, 0.1, -0.0, 5e-324, 1.7976931348623157e308,
        1.0 / 3, 1e22,     -2.5,      1e-5};
    static const uint64_t counts[] = {0, 1, UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, 8192};
    static const char *const texts[] = {"",
                                        "plain",
                                        "quo\"te \\ slash\n\t\x01",
                                        "\xc3\xa9t\xc3\xa9",
                                        "bad \xff\xfe utf",
                                        "\xed\xa0\x80"};
    for (size_t i = 0; i < table->count; i++, (*n)++) {
        const struct field *field = &table->fields[i];
        char *member = owner + field->offset;
        uint32_t u32 = *n % 3 ? *n : UINT32_MAX;
        switch (field->type) {
        case FIELD_U32:
            memcpy(member, &u32, sizeof(u32));
            break;
        case FIELD_U64:
            memcpy(member, &counts[*n % 6], sizeof(uint64_t));
            break;
        case FIELD_F64:
            memcpy(member, &doubles[*n % 11], sizeof(double));
            break;
        case FIELD_TEXT:
            if (*n % 7 == 6)
                memset(member, 'm', field->size - 1); /* as long as can be */
            else
                strncpy(member, texts[*n % 6], field->size - 1);
            break;
        case FIELD_STRUCT:
            fill(field->sub, member, n);
            break;
        }
    }
}

struct event awkward_event(enum event_kind kind, uint32_t n)
{
    struct event event;
    memset(&event, 0, sizeof(event));
    event.kind = kind;
    fill(event_fields(kind), (char *)&event.as, &n);
    if (kind == EVENT_CAMPAIGN) /* later formats are refused */
        event.as.campaign.format %= JOURNAL_FORMAT + 1;
    if (kind == EVENT_SESSION)
        event.as.session.format %= JOURNAL_FORMAT + 1;
    return event;
}

static void assert_same_fields(const struct field_table *table, const char *a, const char *b)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        double x, y;
        if (field->type == FIELD_STRUCT) {
            assert_same_fields(field->sub, a + field->offset, b + field->offset);
            continue;
        }
        if (field->type == FIELD_F64) { /* any NaN is as good as another */
            memcpy(&x, a + field->offset, sizeof(x));
            memcpy(&y, b + field->offset, sizeof(y));
            if (isnan(x) && isnan(y))
                continue;
        }
        if (memcmp(a + field->offset, b + field->offset, field->size) != 0)
            fail_msg("%s.%s differs", table->name, field->name);
    }
}

void assert_same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_same_fields(event_fields(a->kind), (const char *)&a->as, (const char *)&b->as);
}
