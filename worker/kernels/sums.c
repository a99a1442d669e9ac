/* Sums of whole arrays, element by element, in an order that the caller chooses: gradients of
 * slices and of ranks. One pass over the memory. */
#include "kernels/kernels.h"

#include <assert.h>
#include "kernels/pieces.h"
#include "kernels/simd.h"

enum {
    NESTED_MOST = 5,
    TREE_MOST = 16,
    CHUNK = 256, /* partial sums of a tree stay in the L1 cache */
};

KERNEL(nested,
       (float *out, const float *const *terms, size_t terms_count, size_t first, size_t count),
       (out, terms, terms_count, first, count))
{
    const float *t[NESTED_MOST];
    for (size_t i = 0; i < terms_count; i++)
        t[i] = terms[i] + first;
    float *to = out + first;
    switch (terms_count) {
    case 2:
        for (size_t i = 0; i < count; i++)
            to[i] = t[0][i] + t[1][i];
        break;
    case 3:
        for (size_t i = 0; i < count; i++)
            to[i] = t[0][i] + (t[1][i] + t[2][i]);
        break;
    case 4:
        for (size_t i = 0; i < count; i++)
            to[i] = t[0][i] + (t[1][i] + (t[2][i] + t[3][i]));
        break;
    default:
        for (size_t i = 0; i < count; i++)
            to[i] = t[0][i] + (t[1][i] + (t[2][i] + (t[3][i] + t[4][i])));
        break;
    }
}

void add_nested(float *out, const float *const *terms, size_t terms_count, size_t count)
{
    assert(terms_count >= 2 && terms_count <= NESTED_MOST);
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    nested(out, terms, terms_count, i, piece_length(count, i, PIECE_ELEMENTS));
}

/* Sums pairs of terms, then pairs of these, a chunk at a time; out is written last, since it may be
 * a term. */
KERNEL(tree,
       (float *out, const float *const *terms, size_t terms_count, size_t first, size_t count),
       (out, terms, terms_count, first, count))
{
    for (size_t at = first; at < first + count; at += CHUNK) {
        float sums[TREE_MOST / 2][CHUNK];
        size_t length = piece_length(first + count, at, CHUNK), left = terms_count / 2;
        for (size_t t = 0; t < left; t++)
            for (size_t i = 0; i < length; i++)
                sums[t][i] = terms[2 * t][at + i] + terms[2 * t + 1][at + i];
        for (; left > 1; left /= 2)
            for (size_t t = 0; t < left / 2; t++)
                for (size_t i = 0; i < length; i++)
                    sums[t][i] = sums[2 * t][i] + sums[2 * t + 1][i];
        memcpy(out + at, sums[0], length * sizeof(float));
    }
}

void add_tree(float *out, const float *const *terms, size_t terms_count, size_t count)
{
    assert(terms_count >= 2 && terms_count <= TREE_MOST);
    FOR_PIECES(i, count, PIECE_ELEMENTS)
    tree(out, terms, terms_count, i, piece_length(count, i, PIECE_ELEMENTS));
}
