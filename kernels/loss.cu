// Losses of predictions y against targets t (MSE, L1, Huber, cross-entropy of
// logits) over flat float32 arrays.
//
//	loss_sum        out    = scale · Σ loss(y[i], t[i])             8 bytes an element
//	loss_each       out[i] = loss(y[i], t[i])                     12
//	loss_backward   dy[i]  = scale · ∂loss/∂y · g, g one number   12
//	loss_each_backward  the same, g an array                      16
//	loss_and_slope  out as loss_sum, and dy[i] = slope · ∂loss/∂y
//	                from one reading of y and t                   12
//
// A block of loss_sum and loss_and_slope takes one chunk, and the last block to finish
// adds up what each has in `part`; a thread of the others
// makes one element. dy may be y or t: the thread that writes an element has
// read it.
#include "loss.cuh"

KERNEL loss_sum(const float *RESTRICT y, const float *RESTRICT t, float *RESTRICT out, float *part, uint32 *counter,
                int size, int chunk, int chunks, float scale, int criterion, float delta) {
    int from = block_x() * chunk, to = smaller(from + chunk, size);
    float sum = 0;
    for (int i = from + thread_x(); i < to; i += threads_x())
        sum += loss(criterion, delta, y[i], t[i]);
    sum = block_sum(sum);
    if (sum_of_blocks(sum, part, counter, block_x(), chunks) && thread_x() == 0) out[0] = scale * sum;
}
EXPORT(loss_sum)

KERNEL loss_each(const float *y, const float *t, float *out, int size, int criterion, float delta) {
    int i = item();
    if (i < size) out[i] = loss(criterion, delta, y[i], t[i]);
}
EXPORT(loss_each)

KERNEL loss_backward(const float *y, const float *t, const float *g, float *dy,
                     int size, int criterion, float delta, float scale) {
    int i = item();
    if (i < size) dy[i] = scale * loss_slope(criterion, delta, y[i], t[i]) * g[0];
}
EXPORT(loss_backward)

KERNEL loss_each_backward(const float *y, const float *t, const float *g, float *dy,
                          int size, int criterion, float delta, float scale) {
    int i = item();
    if (i < size) dy[i] = scale * loss_slope(criterion, delta, y[i], t[i]) * g[i];
}
EXPORT(loss_each_backward)

KERNEL loss_and_slope(const float *y, const float *t, float *dy, float *RESTRICT out, float *part, uint32 *counter,
                      int size, int chunk, int chunks, float scale, int criterion, float delta, float slope) {
    int from = block_x() * chunk, to = smaller(from + chunk, size);
    float sum = 0;
    for (int i = from + thread_x(); i < to; i += threads_x()) {
        float prediction = y[i], target = t[i];
        sum += loss(criterion, delta, prediction, target);
        dy[i] = slope * loss_slope(criterion, delta, prediction, target);
    }
    sum = block_sum(sum);
    if (sum_of_blocks(sum, part, counter, block_x(), chunks) && thread_x() == 0) out[0] = scale * sum;
}
EXPORT(loss_and_slope)
