/* AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019) on one tensor. */
#include "kernels/kernels.h"

#include "kernels/simd.h"

KERNEL_CLONES void adamw_update(float *weight, float *m, float *v, const float *grad,
                                float grad_scale, float lr, float beta1, float beta2, float eps,
                                float decay, uint64_t step, size_t count)
{
    /* bias corrections in double: 1 - beta2^t loses all its digits in float at small t */
    float m_scale = (float)(1.0 / (1.0 - pow((double)beta1, (double)step)));
    float v_scale = (float)(1.0 / (1.0 - pow((double)beta2, (double)step)));
    float keep = 1.0f - lr * decay;
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * grad_scale;
        m[i] = beta1 * m[i] + (1.0f - beta1) * g;
        v[i] = beta2 * v[i] + (1.0f - beta2) * (g * g);
        float update = (m[i] * m_scale) / (sqrtf(v[i] * v_scale) + eps);
        weight[i] = keep * weight[i] - lr * update;
    }
}
