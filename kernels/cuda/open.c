//go:build gpu

// Opens the driver's library at the first call that needs it, and starts the
// driver. Whoever only imports gorgonia.org/cu opens nothing.
#include "open.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int opened;
static CUresult status = CUDA_ERROR_NO_DEVICE;
static char reason[512];

static void *open_library(void) {
  const char *names[] = {"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1", NULL};
  const char *given = getenv("CUDA_DRIVER_LIBRARY");
  if (given && *given) {
    names[0] = given;
    names[1] = NULL;
  }
  for (int i = 0; names[i]; i++) {
    void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (library)
      return library;
    const char *complaint = dlerror();
    if (i == 0 && complaint) // the usual place has the telling one
      snprintf(reason, sizeof reason, "%s", complaint);
  }
  return NULL;
}

static void open_driver(void) {
  void *library = open_library();
  if (!library)
    return;
  opened = 1;
  CUresult (*init)(unsigned int) = (CUresult(*)(unsigned int))dlsym(library, "cuInit");
  status = init ? init(0) : CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND;
  if (status != CUDA_SUCCESS)
    return; // no other function may be called
  for (int i = 0; i < hourglass_driver_count; i++)
    hourglass_driver_functions[i] = dlsym(library, hourglass_driver_names[i]);
}

void *hourglass_driver_function(int i) {
  pthread_once(&once, open_driver);
  return hourglass_driver_functions[i];
}

CUresult hourglass_driver_missing(void) {
  return status == CUDA_SUCCESS ? CUDA_ERROR_NOT_SUPPORTED : status;
}

CUresult hourglass_driver_status(int *is_opened, const char **why) {
  pthread_once(&once, open_driver);
  *is_opened = opened;
  *why = reason;
  return status;
}

// gorgonia.org/cu calls cuInit as its package is initialised, before main, and
// ends the process on any error. The true cuInit waits for the first call of
// another function, whose result it then becomes.
CUresult cuInit(unsigned int flags) {
  (void)flags;
  return CUDA_SUCCESS;
}
