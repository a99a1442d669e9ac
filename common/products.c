/* Who multiplies, as letters, names and words. */
#include <stdio.h>
#include <string.h>
#include "lrsearch/trial.h"

#define ROW(letter, name) {letter, name},
static const struct {
    char letter;
    const char *name;
} libraries[] = {MATMUL_MAP(ROW)};
enum { LIBRARIES = sizeof(libraries) / sizeof(libraries[0]), LETTERS = TRIAL_PRODUCTS - 1 };

static const char *const linears[LINEAR_COUNT] = {"attn.qkv", "attn.proj", "mlp.fc", "mlp.proj",
                                                  "output"};
static const char *const kinds[PRODUCT_COUNT] = {"forward", "d_in", "d_weight"};

_Static_assert(LETTERS == LINEAR_COUNT * PRODUCT_COUNT, "a letter for each product");

static const char *name_of(char letter)
{
    for (size_t i = 0; i < LIBRARIES; i++)
        if (libraries[i].letter == letter)
            return libraries[i].name;
    return NULL;
}

bool trial_products(char out[TRIAL_PRODUCTS], const char *text)
{
    memset(out, 0, TRIAL_PRODUCTS);
    for (size_t i = 0; i < LIBRARIES; i++)
        if (strcmp(text, libraries[i].name) == 0) {
            memset(out, libraries[i].letter, LETTERS);
            return true;
        }
    if (strlen(text) != LETTERS)
        return false;
    for (size_t i = 0; i < LETTERS; i++)
        if (!name_of(text[i]))
            return false;
    memcpy(out, text, LETTERS);
    return true;
}

const char *trial_products_text(const char products[TRIAL_PRODUCTS], char *out, size_t capacity)
{
    size_t length = 0, own = 0;
    for (size_t i = 0; i < LETTERS; i++)
        own += products[0] == '\0' || products[i] == libraries[0].letter;
    if (own == LETTERS || strspn(products, (char[]){products[0], '\0'}) == LETTERS) {
        snprintf(out, capacity, "%s", own ? libraries[0].name : name_of(products[0]));
        return out;
    }
    snprintf(out, capacity, "%s", libraries[0].name);
    for (size_t library = 1; library < LIBRARIES; library++) {
        const char *before = "; ";
        for (size_t i = 0; i < LETTERS; i++) {
            if (products[i] != libraries[library].letter)
                continue;
            length = strlen(out);
            snprintf(out + length, capacity - length, "%s%s%s%s %s", before,
                     *before == ';' ? libraries[library].name : "", *before == ';' ? ": " : "",
                     linears[i / PRODUCT_COUNT], kinds[i % PRODUCT_COUNT]);
            before = ", ";
        }
    }
    return out;
}
