// Functions of one and two numbers, element by element.
//
//	map            y[i]  = f(x[i])                      8 bytes an element
//	map_backward   dx[i] = f'(x[i]) · dy[i]            12
//	affine         y[i]  = scale · x[i] + shift         8
//	combine        y[i]  = a[i] ∘ b[i]                 12
//	combine_broadcast  the same, each operand repeated to the shape of y
//
// All arrays are flat float32. A thread makes one element; a result may be
// written over an operand of the same shape.
#include "broadcast.cuh"
#include "elementwise.cuh"

KERNEL map(const float *x, float *y, int size, int function) {
    int i = item();
    if (i < size) y[i] = mapped(function, x[i]);
}
EXPORT(map)

KERNEL map_backward(const float *x, const float *dy, float *dx, int size, int function) {
    int i = item();
    if (i < size) dx[i] = map_gradient(function, x[i], dy[i]);
}
EXPORT(map_backward)

KERNEL affine(const float *x, float *y, int size, float scale, float shift) {
    int i = item();
    if (i < size) y[i] = fused(scale, x[i], shift);
}
EXPORT(affine)

KERNEL combine(const float *a, const float *b, float *y, int size, int arithmetic) {
    int i = item();
    if (i < size) y[i] = combined(arithmetic, a[i], b[i]);
}
EXPORT(combine)

KERNEL combine_broadcast(const float *a, const float *b, float *y, int size, int arithmetic,
                         AXES, STRIDES(a), STRIDES(b)) {
    int i = item();
    if (i >= size) return;
    Broadcast of_a = {STRIDES_OF(a)}, of_b = {STRIDES_OF(b)};
    int at_a, at_b;
    repeated(i, AXES_OF_RESULT, of_a, of_b, at_a, at_b);
    y[i] = combined(arithmetic, a[at_a], b[at_b]);
}
EXPORT(combine_broadcast)
