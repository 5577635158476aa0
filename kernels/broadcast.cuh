// Repetition of a small array to the shape of a large one. The large shape is
// seen as six axes, the last running fastest and of any size, the first ones 1
// where there are fewer; an operand has a stride for each, 0 where it repeats.
#pragma once
#include "device.cuh"

// The axes and strides as kernel arguments. The outermost axis has no argument:
// it is what remains of the element's number.
#define AXES int axis1, int axis2, int axis3, int axis4, int axis5
#define STRIDES(v) int v##0, int v##1, int v##2, int v##3, int v##4, int v##5
#define AXES_OF_RESULT axis1, axis2, axis3, axis4, axis5
#define STRIDES_OF(v) v##0, v##1, v##2, v##3, v##4, v##5

struct Broadcast { int stride0, stride1, stride2, stride3, stride4, stride5; };

// repeated finds where two operands are read for element i of the large array.
DEVICE void repeated(int i, AXES, Broadcast a, Broadcast b, int &at_a, int &at_b) {
    int p5 = i % axis5; i /= axis5;
    int p4 = i % axis4; i /= axis4;
    int p3 = i % axis3; i /= axis3;
    int p2 = i % axis2; i /= axis2;
    int p1 = i % axis1, p0 = i / axis1;
    at_a = p0 * a.stride0 + p1 * a.stride1 + p2 * a.stride2 + p3 * a.stride3 + p4 * a.stride4 + p5 * a.stride5;
    at_b = p0 * b.stride0 + p1 * b.stride1 + p2 * b.stride2 + p3 * b.stride3 + p4 * b.stride4 + p5 * b.stride5;
}
