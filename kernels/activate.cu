// Activation functions, element by element.
//
//	activate            y[i]  = f(x[i])                8 bytes an element
//	activate_backward   dx[i] = f'(v[i]) · dy[i]      12 bytes an element
//
// x, y, dx, dy: flat float32. v is y for the functions whose slope follows from
// their value, x for SiLU and GELU. A thread makes one element; the result may
// be written over an operand.
#include "activate.cuh"

KERNEL activate(const float *x, float *y, int size, int function, float alpha) {
    int i = item();
    if (i < size) y[i] = activated(function, alpha, x[i]);
}
EXPORT(activate)

KERNEL activate_backward(const float *v, const float *dy, float *dx, int size, int function, float alpha) {
    int i = item();
    if (i < size) dx[i] = slope(function, alpha, v[i]) * dy[i];
}
EXPORT(activate_backward)
