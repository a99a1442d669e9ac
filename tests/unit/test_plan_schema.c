/* The JSON Schema of plans against the tables that it is made from: nothing is left out, and every
 * kind of value has what a validator needs. tests/cli/schema.py validates plans with it. */
#include <jansson.h>
#include <string.h>
#include "cmocka_all.h"
#include "plan/plan_schema.h"
#include "plan/schema.h"

static json_t *root;

static int setup(void **state)
{
    (void)state;
    root = plan_schema_json();
    return root ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(root);
    return 0;
}

static const json_t *at(const json_t *value, const char *first, const char *second)
{
    return json_object_get(json_object_get(value, first), second);
}

/* Of a key: "search", "lr"; "" is the top. */
static const json_t *key_of(const char *section, const char *key)
{
    const json_t *of = *section ? at(root, "properties", section) : root;
    return at(of, "properties", key);
}

static bool has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

static void every_key_is_there(void **state)
{
    (void)state;
    size_t keys = 0;
    for (size_t s = 0; s < plan_section_count; s++) {
        const struct plan_section *section = &plan_sections[s];
        const json_t *of = s > 0 ? at(root, "properties", section->name) : root;
        assert_true(json_is_false(json_object_get(of, "additionalProperties")));
        keys = json_object_size(json_object_get(of, "properties"));
        assert_int_equal(keys, section->count + (s > 0 ? 0 : plan_section_count - 1));
        for (size_t k = 0; k < section->count; k++) {
            const struct plan_key *key = &section->keys[k];
            const json_t *schema = key_of(section->name, key->name);
            const char *text = json_string_value(json_object_get(schema, "description"));
            assert_non_null(text);
            assert_non_null(strstr(text, key->help));
            assert_int_equal(has(json_object_get(of, "required"), key->name),
                             key->need == NEED_ALWAYS);
            assert_int_equal(json_object_get(schema, "default") != NULL,
                             key->fallback && !key->derived);
        }
    }
}

static void sections_that_every_plan_has(void **state)
{
    (void)state;
    const json_t *required = json_object_get(root, "required");
    assert_int_equal(json_array_size(required), 4);
    assert_true(has(required, "version") && has(required, "name") && has(required, "search") &&
                has(required, "target"));
}

static void every_value_has_its_kind(void **state)
{
    (void)state;
    const json_t *lr = key_of("search", "lr"), *tokens = key_of("budget", "tokens");
    assert_string_equal(json_string_value(json_object_get(lr, "type")), "array");
    assert_int_equal(json_integer_value(json_object_get(lr, "minItems")), 2);
    assert_int_equal(json_integer_value(json_object_get(lr, "maxItems")), 2);
    assert_non_null(at(lr, "items", "exclusiveMinimum"));
    assert_true(has(json_object_get(tokens, "type"), "integer"));
    assert_non_null(strstr(json_string_value(json_object_get(tokens, "pattern")), "none|"));
    assert_null(
        strstr(json_string_value(json_object_get(key_of("target", "tokens"), "pattern")), "none|"));
    assert_string_equal(json_string_value(json_object_get(key_of("limits", "silence"), "type")),
                        "string");
    assert_string_equal(
        json_string_value(json_object_get(key_of("training", "schedule"), "default")), "cosine");
    assert_true(has(json_object_get(key_of("training", "schedule"), "enum"), "wsd"));
    assert_true(
        json_is_false(json_object_get(key_of("trainer", "columns"), "additionalProperties")));
    assert_true(
        json_is_object(json_object_get(key_of("trainer", "where"), "additionalProperties")));
}

/* A key that may be an axis takes one value, or two and more different ones. */
static void axes_take_lists(void **state)
{
    (void)state;
    size_t axes = 0;
    for (size_t s = 0; s < plan_section_count; s++)
        for (size_t k = 0; k < plan_sections[s].count; k++) {
            const struct plan_key *key = &plan_sections[s].keys[k];
            if (key->list != LIST_AXIS)
                continue;
            const json_t *either =
                json_object_get(key_of(plan_sections[s].name, key->name), "anyOf");
            const json_t *list = json_array_get(either, 1);
            assert_int_equal(json_array_size(either), 2);
            assert_int_equal(json_integer_value(json_object_get(list, "minItems")), 2);
            assert_int_equal(json_integer_value(json_object_get(list, "maxItems")), PLAN_AXIS);
            assert_true(json_is_true(json_object_get(list, "uniqueItems")));
            if (!key->automatic) /* an element cannot be auto */
                assert_true(json_equal(json_object_get(list, "items"), json_array_get(either, 0)));
            axes++;
        }
    assert_int_equal(axes, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_there),
        cmocka_unit_test(sections_that_every_plan_has),
        cmocka_unit_test(every_value_has_its_kind),
        cmocka_unit_test(axes_take_lists),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
