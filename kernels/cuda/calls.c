//go:build gpu

#include "calls.h"

#include <stdlib.h>

int hourglass_reserve(hourglass_batch *batch, size_t launches, size_t cells) {
  if (launches <= batch->launch_room && cells <= batch->cell_room)
    return 1;
  hourglass_release(batch);
  batch->launches = calloc(launches + 1, sizeof *batch->launches);
  batch->cells = calloc(cells + 1, sizeof *batch->cells);
  batch->arguments = calloc(cells + 1, sizeof *batch->arguments);
  if (!batch->launches || !batch->cells || !batch->arguments) {
    hourglass_release(batch);
    return 0;
  }
  batch->launch_room = launches;
  batch->cell_room = cells;
  for (size_t i = 0; i < cells; i++)
    batch->arguments[i] = &batch->cells[i];
  return 1;
}

void hourglass_release(hourglass_batch *batch) {
  free(batch->launches);
  free(batch->cells);
  free(batch->arguments);
  *batch = (hourglass_batch){0};
}

CUresult hourglass_submit(const hourglass_batch *batch, size_t n, CUstream stream, size_t *failed) {
  for (size_t i = 0; i < n; i++) {
    const hourglass_launch *l = &batch->launches[i];
    CUresult result = cuLaunchKernel(l->function, l->grid[0], l->grid[1], l->grid[2], l->block[0], l->block[1],
                                     l->block[2], l->shared, stream, batch->arguments + l->first_argument, NULL);
    if (result != CUDA_SUCCESS) {
      *failed = i;
      return result;
    }
  }
  return CUDA_SUCCESS;
}

CUresult hourglass_load(CUmodule *module, const char *ptx, char *log, unsigned int log_size) {
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)log_size};
  log[0] = 0;
  CUresult result = cuModuleLoadDataEx(module, ptx, 2, options, values);
  log[log_size - 1] = 0;
  return result;
}
