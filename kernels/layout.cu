// Filters laid out anew for the kernels of convolutions, see layout.cuh.
//
//	lay_out             copy[layout] = w                    8 bytes an element
//	lay_out_parameters  every copy that is kept of one of
//	                    the parameters p, a flat block      4, and 4 for each copy
//
// After a step the copies of parameters are made by the optimiser's kernel itself
// (optimise.cu). A thread reads one element, as they are stored, and writes its
// copies.
#include "layout.cuh"

KERNEL lay_out(const float *RESTRICT w, float *RESTRICT copy, int size, int filters, int channels, int taps,
               int filter_step, int channel_step, int tap_step, int rounded) {
    int i = item();
    if (i >= size) return;
    Layout layout = {filters, channels, taps, filter_step, channel_step, tap_step, rounded};
    layout.write(copy, i, w[i]);
}
EXPORT(lay_out)

KERNEL lay_out_parameters(float *RESTRICT p, const Copies *RESTRICT copies, int size) {
    int i = item();
    if (i < size) copies->write(p, i, p[i]);
}
EXPORT(lay_out_parameters)
