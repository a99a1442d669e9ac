/* Any text as an argument of a command. Before a NUL: the learning rate, as eight bytes, and the
 * path of the checkpoint. */
#include <string.h>
#include "fuzz_input.h"
#include "lrsearch/placeholder.h"

enum { ROOM = 2 * TRIAL_PATH };

static int expand(char out[ROOM], const char *text, const struct placeholder_trial *trial)
{
    struct lr_error err = {0};
    char full[ROOM];
    int rc = placeholder_expand(out, ROOM, text, trial, &err);
    DEMAND(rc == 0 || (rc == LR_EPLAN && err.text[0]));
    if (rc)
        return rc;
    /* It fits exactly, and not into less. */
    size_t length = strlen(out);
    DEMAND(placeholder_expand(full, length + 1, text, trial, NULL) == 0 && !strcmp(full, out));
    DEMAND(length == 0 || placeholder_expand(full, length, text, trial, NULL) == LR_EPLAN);
    return 0;
}

/* With each brace written twice, a text means itself. */
static void escape(const char *text, const struct placeholder_trial *trial)
{
    char escaped[ROOM], out[ROOM];
    size_t used = 0;
    for (const char *c = text; *c && used + 3 < sizeof(escaped); c++) {
        escaped[used++] = *c;
        if (*c == '{' || *c == '}')
            escaped[used++] = *c;
    }
    escaped[used] = '\0';
    DEMAND(expand(out, escaped, trial) == 0);
    DEMAND(strncmp(out, text, strlen(out)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trial_spec spec = {.lr = 1e-3, .horizon_tokens = 1000, .d_model = 64, .seed = 1};
    struct placeholder_trial trial = {.spec = &spec, .trial_id = 7, .attempt = 1};
    char checkpoint[256] = "", text[1024], out[ROOM];
    const uint8_t *nul = memchr(data, 0, size);
    if (nul && nul - data >= (ptrdiff_t)sizeof(spec.lr)) {
        size_t length = (size_t)(nul - data) - sizeof(spec.lr);
        memcpy(&spec.lr, data, sizeof(spec.lr));
        memcpy(checkpoint, data + sizeof(spec.lr), length < 255 ? length : 255);
        trial.checkpoint = checkpoint;
        size -= (size_t)(nul + 1 - data);
        data = nul + 1;
    }
    size = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    char *copy = fuzz_copy(text, strlen(text) + 1);
    expand(out, copy, &trial);
    escape(copy, &trial);
    fuzz_copy_free(copy);
    return 0;
}
