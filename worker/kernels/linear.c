/* Linear layers: three matrix products, by OpenBLAS. Weights are (outputs, inputs), as PyTorch has
 * them. The BLAS itself runs on one thread; the output is cut into pieces, each a product of its
 * own. */
#include "kernels/kernels.h"

#include <cblas.h>
#include <stdio.h>
#include "kernels/gemm.h"
#include "kernels/pieces.h"
#include "kernels/simd.h"

enum { TILE_MULTIPLE = 12 }; /* a multiple of every tile's rows */

int kernel_threads = 1;

const char *kernels_init(void)
{
    static char text[128];
    openblas_set_num_threads(1);
    snprintf(text, sizeof(text), "%s, core %s", openblas_get_config(), openblas_get_corename());
    return text;
}

bool kernels_set_threads(int threads)
{
#ifdef _OPENMP
    kernel_threads = threads < 1 ? 1 : threads;
    return true;
#else
    return threads <= 1;
#endif
}

/* The grid of pieces that an output is cut into, numbered along rows first: as few as feed the
 * threads, since each packs the operands that it needs. Where the cuts lie changes no bits. */
struct grid {
    size_t rows, columns, piece_rows, piece_columns, count;
};

static size_t rounded_up(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

static struct grid grid_of(size_t rows, size_t columns)
{
    enum { LEAST_COLUMNS = 128 };
    size_t threads = (size_t)kernel_threads, across = columns / LEAST_COLUMNS;
    across = across < 1 ? 1 : across > threads ? threads : across;
    size_t down = (threads + across - 1) / across;
    struct grid grid = {rows, columns, rounded_up((rows + down - 1) / down, TILE_MULTIPLE),
                        rounded_up((columns + across - 1) / across, GEMM_PANEL), 0};
    grid.count = (rows + grid.piece_rows - 1) / grid.piece_rows *
                 ((columns + grid.piece_columns - 1) / grid.piece_columns);
    return grid;
}

static void multiply_piece(struct gemm_into to, struct operand a, struct operand b,
                           const struct grid *grid, size_t inner, size_t piece)
{
    size_t down = (grid->rows + grid->piece_rows - 1) / grid->piece_rows;
    size_t i = piece % down * grid->piece_rows, j = piece / down * grid->piece_columns;
    a.data += i * a.row;
    b.data += j * b.column;
    to.out += i * to.ld + j;
    to.bias = to.bias ? to.bias + j : NULL;
    gemm(to, a, b, piece_length(grid->rows, i, grid->piece_rows),
         piece_length(grid->columns, j, grid->piece_columns), inner);
}

static void multiply(struct gemm_into to, struct operand a, struct operand b, size_t rows,
                     size_t columns, size_t inner)
{
    const struct grid grid = grid_of(rows, columns);
    FOR_PIECES(i, grid.count, 1)
    multiply_piece(to, a, b, &grid, inner, i);
}

void linear_forward(float *out, const float *in, const float *weight, const float *bias, size_t N,
                    size_t K, size_t M)
{
    multiply((struct gemm_into){out, M, bias, 0}, (struct operand){in, K, 1},
             (struct operand){weight, 1, K}, N, M, K);
}

void linear_backward_input(float *d_in, const float *d_out, const float *weight, size_t N, size_t K,
                           size_t M)
{
    multiply((struct gemm_into){d_in, K, NULL, 0}, (struct operand){d_out, M, 1},
             (struct operand){weight, K, 1}, N, K, M);
}

KERNEL_CLONES static void add_column_sums(float *sums, const float *rows, size_t N, size_t M,
                                          size_t columns)
{
    for (size_t n = 0; n < N; n++)
        for (size_t m = 0; m < columns; m++)
            sums[m] += rows[n * M + m];
}

void linear_backward_weight(float *d_weight, float *d_bias, const float *d_out, const float *in,
                            size_t N, size_t K, size_t M)
{
    multiply((struct gemm_into){d_weight, K, NULL, 1}, (struct operand){d_out, 1, M},
             (struct operand){in, K, 1}, M, K, N);
    if (!d_bias)
        return;
    FOR_PIECES(m, M, PIECE_COLUMNS)
    add_column_sums(d_bias + m, d_out + m, N, M, piece_length(M, m, PIECE_COLUMNS));
}
