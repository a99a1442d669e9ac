/* read_json FILE KEY...: prints that value, a string without quotes, null as nothing, a truth as ON
 * or OFF; exit status 1 when it is not there. A stand-in for jq, which a bare system does not
 * have. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    json_error_t error;
    json_t *root = json_load_file(argc > 1 ? argv[1] : "", JSON_DECODE_ANY, &error);
    if (!root) {
        fprintf(stderr, "read_json: %s:%d: %s\n", error.source, error.line, error.text);
        return 1;
    }
    const json_t *value = root;
    for (int i = 2; i < argc && value; i++) {
        char *end;
        unsigned long index = strtoul(argv[i], &end, 10);
        if (json_is_array(value))
            value = *argv[i] && !*end ? json_array_get(value, index) : NULL;
        else
            value = json_object_get(value, argv[i]);
    }
    char *text = NULL;
    if (!value) {
        fprintf(stderr, "read_json: %s: has no such value:", argv[1]);
        for (int i = 2; i < argc; i++)
            fprintf(stderr, " %s", argv[i]);
        fputc('\n', stderr);
    } else if (json_is_string(value)) {
        puts(json_string_value(value));
    } else if (json_is_boolean(value)) {
        puts(json_is_true(value) ? "ON" : "OFF");
    } else {
        text = json_is_null(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        puts(text ? text : "");
        free(text);
    }
    json_decref(root);
    return value ? 0 : 1;
}
