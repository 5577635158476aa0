// The driver calls that gorgonia.org/cu lacks, shaped so that each costs one
// crossing from Go to C.
#ifndef HOURGLASS_CALLS_H
#define HOURGLASS_CALLS_H

#include <cuda.h>

// hourglass_launch is one kernel launch. Its arguments are those from
// first_argument on in the batch.
typedef struct {
  CUfunction function;
  unsigned int grid[3];
  unsigned int block[3];
  unsigned int shared;
  unsigned int first_argument;
} hourglass_launch;

// hourglass_batch is room for launches, all in C's memory; arguments[i] points
// to cells[i].
typedef struct {
  hourglass_launch *launches;
  uint64_t *cells;
  void **arguments;
  size_t launch_room;
  size_t cell_room;
} hourglass_batch;

// hourglass_reserve makes room; it returns 0 if there is no memory. What was in
// the batch is lost if it had to grow. Release with hourglass_release.
int hourglass_reserve(hourglass_batch *batch, size_t launches, size_t cells);
void hourglass_release(hourglass_batch *batch);

// hourglass_submit launches the first n. If a launch fails, *failed is its
// index and the later ones are not launched.
CUresult hourglass_submit(const hourglass_batch *batch, size_t n, CUstream stream, size_t *failed);

// hourglass_load compiles PTX; log receives what the compiler has to say of
// mistakes.
CUresult hourglass_load(CUmodule *module, const char *ptx, char *log, unsigned int log_size);

#endif
