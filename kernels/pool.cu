// Pooling and enlargement of images.
//
// x, dx: N,H,W,C; y, dy: N,P,Q,C; float32, channels running fastest, so that
// neighbouring threads read neighbouring channels. A thread makes one element
// of the result; the gradients gather what flows into an element instead of
// scattering it, so that their sums have one order.
//
//	pool_average, pool_max     4·(H·W + P·Q)·N·C bytes, the windows from the cache
//	pool_average_backward      the same
//	pool_max_backward          finds the greatest of each window anew, from x
//	upsample_*                 rows (p + ½)/scale − ½ of the source, in integers:
//	                           (2p + 1 − scale) / (2·scale), clamped to the image
#include "device.cuh"

// Pool is the geometry of a pooling; its fields are the arguments of the
// kernels below, in order.
struct Pool {
    int C, H, W, P, Q, R, S, strideH, strideW, padH, padW;

    // begin and end delimit window p on an axis, cut to the image.
    DEVICE static int begin(int p, int stride, int pad) { return larger(p * stride - pad, 0); }
    DEVICE static int end(int p, int stride, int pad, int window, int size) { return smaller(p * stride - pad + window, size); }
    // first_window and windows_end delimit the windows that hold position h.
    DEVICE static int first_window(int h, int stride, int pad, int window) {
        return h + pad < window ? 0 : (h + pad - window) / stride + 1;
    }
    DEVICE static int windows_end(int h, int stride, int pad, int count) { return smaller((h + pad) / stride + 1, count); }
};

#define POOL int C, int H, int W, int P, int Q, int R, int S, int strideH, int strideW, int padH, int padW
#define POOL_OF_ARGUMENTS {C, H, W, P, Q, R, S, strideH, strideW, padH, padW}

KERNEL pool_average(const float *RESTRICT x, float *RESTRICT y, int size, POOL) {
    int i = item();
    if (i >= size) return;
    Pool g = POOL_OF_ARGUMENTS;
    int c = i % C, q = i / C % Q, p = i / C / Q % P, n = i / C / Q / P;
    float sum = 0;
    for (int h = g.begin(p, strideH, padH); h < g.end(p, strideH, padH, R, H); h++)
        for (int w = g.begin(q, strideW, padW); w < g.end(q, strideW, padW, S, W); w++)
            sum += x[((n * H + h) * W + w) * C + c];
    y[i] = sum / (float)(R * S);
}
EXPORT(pool_average)

KERNEL pool_average_backward(const float *RESTRICT dy, float *RESTRICT dx, int size, POOL) {
    int i = item();
    if (i >= size) return;
    Pool g = POOL_OF_ARGUMENTS;
    int c = i % C, w = i / C % W, h = i / C / W % H, n = i / C / W / H;
    float sum = 0;
    for (int p = g.first_window(h, strideH, padH, R); p < g.windows_end(h, strideH, padH, P); p++)
        for (int q = g.first_window(w, strideW, padW, S); q < g.windows_end(w, strideW, padW, Q); q++)
            sum += dy[((n * P + p) * Q + q) * C + c];
    dx[i] = sum / (float)(R * S);
}
EXPORT(pool_average_backward)

// greatest is the first greatest element of window (p, q) of channel c of image
// n in reading order, NaN counting as greater than any number.
DEVICE int greatest(const float *x, const Pool &g, int n, int p, int q, int c) {
    int best = -1;
    float value = 0;
    KEEP_LOOP
    for (int h = g.begin(p, g.strideH, g.padH); h < g.end(p, g.strideH, g.padH, g.R, g.H); h++)
        KEEP_LOOP
        for (int w = g.begin(q, g.strideW, g.padW); w < g.end(q, g.strideW, g.padW, g.S, g.W); w++) {
            int at = ((n * g.H + h) * g.W + w) * g.C + c;
            float v = x[at];
            if (best < 0 || v > value || (v != v && value == value)) {
                best = at;
                value = v;
            }
        }
    return best;
}

KERNEL pool_max(const float *RESTRICT x, float *RESTRICT y, int size, POOL) {
    int i = item();
    if (i >= size) return;
    Pool g = POOL_OF_ARGUMENTS;
    y[i] = x[greatest(x, g, i / C / Q / P, i / C / Q % P, i / C % Q, i % C)];
}
EXPORT(pool_max)

KERNEL pool_max_backward(const float *RESTRICT x, const float *RESTRICT dy, float *RESTRICT dx, int size, POOL) {
    int i = item();
    if (i >= size) return;
    Pool g = POOL_OF_ARGUMENTS;
    int c = i % C, w = i / C % W, h = i / C / W % H, n = i / C / W / H;
    float sum = 0;
    for (int p = g.first_window(h, strideH, padH, R); p < g.windows_end(h, strideH, padH, P); p++)
        for (int q = g.first_window(w, strideW, padW, S); q < g.windows_end(w, strideW, padW, Q); q++)
            if (greatest(x, g, n, p, q, c) == i) sum += dy[((n * P + p) * Q + q) * C + c];
    dx[i] = sum;
}
EXPORT(pool_max_backward)

#define UPSAMPLE int C, int H, int W, int scaleH, int scaleW

KERNEL upsample_nearest(const float *RESTRICT x, float *RESTRICT y, int size, UPSAMPLE) {
    int i = item();
    if (i >= size) return;
    int P = H * scaleH, Q = W * scaleW;
    int c = i % C, q = i / C % Q, p = i / C / Q % P, n = i / C / Q / P;
    y[i] = x[((n * H + p / scaleH) * W + q / scaleW) * C + c];
}
EXPORT(upsample_nearest)

KERNEL upsample_nearest_backward(const float *RESTRICT dy, float *RESTRICT dx, int size, UPSAMPLE) {
    int i = item();
    if (i >= size) return;
    int P = H * scaleH, Q = W * scaleW;
    int c = i % C, w = i / C % W, h = i / C / W % H, n = i / C / W / H;
    float sum = 0;
    for (int p = h * scaleH; p < (h + 1) * scaleH; p++)
        for (int q = w * scaleW; q < (w + 1) * scaleW; q++)
            sum += dy[((n * P + p) * Q + q) * C + c];
    dx[i] = sum;
}
EXPORT(upsample_nearest_backward)

// Sample is a pair of neighbours on one axis of the source and the weight of
// the higher one.
struct Sample {
    int low, high;
    float fraction;
};

DEVICE Sample sample(int p, int size, int scale) {
    int position = smaller(larger(2 * p + 1 - scale, 0), 2 * scale * (size - 1)); // in parts of 1/(2·scale)
    int low = position / (2 * scale);
    return {low, smaller(low + 1, size - 1), (float)(position - low * 2 * scale) / (float)(2 * scale)};
}

// reads tells whether the sample has position h; weight is the one it gives it.
// At the border both neighbours are one.
DEVICE bool reads(const Sample &s, int h) { return s.low == h || s.high == h; }
DEVICE float weight(const Sample &s, int h) {
    return (s.low == h ? 1 - s.fraction : 0) + (s.high == h ? s.fraction : 0);
}

KERNEL upsample_bilinear(const float *RESTRICT x, float *RESTRICT y, int size, UPSAMPLE) {
    int i = item();
    if (i >= size) return;
    int P = H * scaleH, Q = W * scaleW;
    int c = i % C, q = i / C % Q, p = i / C / Q % P, n = i / C / Q / P;
    Sample row = sample(p, H, scaleH), column = sample(q, W, scaleW);
    float a = x[((n * H + row.low) * W + column.low) * C + c], b = x[((n * H + row.low) * W + column.high) * C + c];
    float d = x[((n * H + row.high) * W + column.low) * C + c], e = x[((n * H + row.high) * W + column.high) * C + c];
    float above = fused(column.fraction, b, (1 - column.fraction) * a);
    float below = fused(column.fraction, e, (1 - column.fraction) * d);
    y[i] = fused(row.fraction, below, (1 - row.fraction) * above);
}
EXPORT(upsample_bilinear)

// Output rows that read row h lie between those of the centres of h−1 and h+1.
KERNEL upsample_bilinear_backward(const float *RESTRICT dy, float *RESTRICT dx, int size, UPSAMPLE) {
    int i = item();
    if (i >= size) return;
    int P = H * scaleH, Q = W * scaleW;
    int c = i % C, w = i / C % W, h = i / C / W % H, n = i / C / W / H;
    float sum = 0;
    for (int p = larger((h - 1) * scaleH, 0); p < smaller((h + 2) * scaleH, P); p++) {
        Sample row = sample(p, H, scaleH);
        if (!reads(row, h)) continue;
        for (int q = larger((w - 1) * scaleW, 0); q < smaller((w + 2) * scaleW, Q); q++) {
            Sample column = sample(q, W, scaleW);
            if (reads(column, w)) sum = fused(weight(row, h) * weight(column, w), dy[((n * P + p) * Q + q) * C + c], sum);
        }
    }
    dx[i] = sum;
}
EXPORT(upsample_bilinear_backward)
