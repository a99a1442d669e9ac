/* Linear layers: three matrix products, by OpenBLAS. Weights are (outputs, inputs), as PyTorch has
 * them. The BLAS itself runs on one thread; the output is cut into pieces, each a product of its
 * own. */
#include "kernels/kernels.h"

#include <cblas.h>
#include <stdio.h>
#include "kernels/pieces.h"
#include "kernels/simd.h"

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

/* Rows and columns of a piece of an output: large enough that packing the operands anew for each
 * costs a few per cent at most, small enough to feed several threads. */
enum { OUT_ROWS = 256, OUT_COLUMNS = 1024, WEIGHT_ROWS = 256 };

/* Pieces are numbered along rows first. */
struct grid {
    size_t rows, columns, down, count;
};

static struct grid grid_of(size_t rows, size_t columns, size_t piece_rows)
{
    struct grid grid = {rows, columns, (rows + piece_rows - 1) / piece_rows, 0};
    grid.count = grid.down * ((columns + OUT_COLUMNS - 1) / OUT_COLUMNS);
    return grid;
}

static void forward_piece(float *out, const float *in, const float *weight, const float *bias,
                          const struct grid *grid, size_t K, size_t piece)
{
    size_t M = grid->columns, n = piece % grid->down * OUT_ROWS,
           m = piece / grid->down * OUT_COLUMNS;
    size_t rows = piece_length(grid->rows, n, OUT_ROWS), columns = piece_length(M, m, OUT_COLUMNS);
    if (bias)
        for (size_t i = 0; i < rows; i++)
            memcpy(out + (n + i) * M + m, bias + m, columns * sizeof(float));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)K, 1.0f,
                in + n * K, (int)K, weight + m * K, (int)K, bias ? 1.0f : 0.0f, out + n * M + m,
                (int)M);
}

static void backward_input_piece(float *d_in, const float *d_out, const float *weight,
                                 const struct grid *grid, size_t M, size_t piece)
{
    size_t K = grid->columns, n = piece % grid->down * OUT_ROWS,
           k = piece / grid->down * OUT_COLUMNS;
    size_t rows = piece_length(grid->rows, n, OUT_ROWS), columns = piece_length(K, k, OUT_COLUMNS);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)columns, (int)M, 1.0f,
                d_out + n * M, (int)M, weight + k, (int)K, 0.0f, d_in + n * K + k, (int)K);
}

static void backward_weight_piece(float *d_weight, const float *d_out, const float *in,
                                  const struct grid *grid, size_t N, size_t M, size_t piece)
{
    size_t K = grid->columns, m = piece % grid->down * WEIGHT_ROWS,
           k = piece / grid->down * OUT_COLUMNS;
    size_t rows = piece_length(M, m, WEIGHT_ROWS), columns = piece_length(K, k, OUT_COLUMNS);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)columns, (int)N, 1.0f,
                d_out + m, (int)M, in + k, (int)K, 1.0f, d_weight + m * K + k, (int)K);
}

void linear_forward(float *out, const float *in, const float *weight, const float *bias, size_t N,
                    size_t K, size_t M)
{
    const struct grid grid = grid_of(N, M, OUT_ROWS);
    FOR_PIECES(i, grid.count, 1)
    forward_piece(out, in, weight, bias, &grid, K, i);
}

void linear_backward_input(float *d_in, const float *d_out, const float *weight, size_t N, size_t K,
                           size_t M)
{
    const struct grid grid = grid_of(N, K, OUT_ROWS);
    FOR_PIECES(i, grid.count, 1)
    backward_input_piece(d_in, d_out, weight, &grid, M, i);
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
    const struct grid grid = grid_of(M, K, WEIGHT_ROWS);
    FOR_PIECES(i, grid.count, 1)
    backward_weight_piece(d_weight, d_out, in, &grid, N, M, i);
    if (!d_bias)
        return;
    FOR_PIECES(m, M, PIECE_COLUMNS)
    add_column_sums(d_bias + m, d_out + m, N, M, piece_length(M, m, PIECE_COLUMNS));
}
