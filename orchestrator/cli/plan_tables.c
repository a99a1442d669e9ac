/* The plan's keys as Markdown: docs_plan_tables() prints a heading and a table for each section of
 * plan/schema.h, as they stand in docs/plan.md. */
#include "cli/docs.h"
#include "plan/schema.h"

/* The values that a key takes; "" if the type says it all. */
static const char *range(const struct plan_key *key, char *out, size_t capacity)
{
    switch (key->type) {
    case TYPE_ENUM:
        return plan_choices_text(key, out, capacity);
    case TYPE_TEXT:
    case TYPE_TEXTS:
    case TYPE_BOOL:
    case TYPE_MAP:
    case TYPE_KEYS:
        return "";
    default:
        return plan_range_text(key, out, capacity);
    }
}

static void put_row(FILE *out, const struct plan_section *section, const struct plan_key *key)
{
    static const char *const lists[] = {
        [LIST_REFUSED] = "", [LIST_AXIS] = " or a list: an axis", [LIST_SEEDS] = " or a list"};
    char text[256];
    fprintf(out, "| `%s%s%s` | %s | %s%s%s%s | %s | %s |\n", section->name,
            *section->name ? "." : "", key->name, key->help, plan_kind_text(key->type),
            lists[key->list], key->unit ? ", " : "", key->unit ? key->unit : "",
            key->fallback ? key->fallback : "**required**", range(key, text, sizeof(text)));
}

void docs_plan_tables(FILE *out)
{
    for (size_t s = 0; s < plan_section_count; s++) {
        const struct plan_section *section = &plan_sections[s];
        if (*section->name)
            fprintf(out, "## %s: %s\n\n", section->name, section->help);
        else
            fputs("## At the top\n\n", out);
        fputs("| key | meaning | kind | default | range |\n|---|---|---|---|---|\n", out);
        for (size_t k = 0; k < section->count; k++)
            put_row(out, section, &section->keys[k]);
        fputc('\n', out);
    }
}
