// Batches of images that lie on the device as bytes:
//
//	gather_images  y[n,h,w,c] = x[i, h', w', c] / 255, or 0 in the border
//
// x is I,H,W,C in bytes and may have more than 2³¹ of them; y is N,H,W,C in
// float32. picks is N rows of image i, flip, shift down and right, pad down and
// right, int32 (kernels.Pick, which says what they do): the host draws them, so
// that a batch is the same wherever it is made. The quotient is rounded once,
// which a product by 1/255 would not be.
//
// A thread makes one number: 5 bytes, and the pick that neighbours share.
#include "device.cuh"

const int PICK = 6;

DEVICE int clamped(int v, int last) { return smaller(larger(v, 0), last); }

KERNEL gather_images(const unsigned char *RESTRICT x, const int *RESTRICT picks, float *RESTRICT y, int size, int height, int width, int channels) {
    int i = item();
    if (i >= size) return;
    int channel = i % channels, pixel = i / channels;
    int column = pixel % width, row = pixel / width % height;
    const int *pick = picks + pixel / width / height * PICK;
    int from_row = row + pick[4], from_column = column + pick[5];
    if (from_row < 0 || from_row >= height || from_column < 0 || from_column >= width) {
        y[i] = 0;
        return;
    }
    from_row = clamped(from_row + pick[2], height - 1);
    from_column = clamped(from_column + pick[3], width - 1);
    if (pick[1] != 0) from_column = width - 1 - from_column;
    uint64 image = (uint64)pick[0] * (uint64)(height * width * channels);
    y[i] = (float)x[image + (uint64)((from_row * width + from_column) * channels + channel)] / 255.0f;
}
EXPORT(gather_images)
