// Between driver.c, which holds a function for every driver call, and open.c,
// which finds the library that they pass their calls to.
#ifndef HOURGLASS_OPEN_H
#define HOURGLASS_OPEN_H

#include <cuda.h>

extern const int hourglass_driver_count;
extern const char *const hourglass_driver_names[]; // of the functions, in the order of the header
extern void *hourglass_driver_functions[];         // their addresses in the library; NULL where it has none

// hourglass_driver_function opens the library at the first call. It returns the
// address of function i, or NULL: then hourglass_driver_missing is the result.
void *hourglass_driver_function(int i);
CUresult hourglass_driver_missing(void);

// hourglass_driver_status opens the library as well. It returns what became of
// it; *opened is 0 if there is no library, and then *reason says why.
CUresult hourglass_driver_status(int *opened, const char **reason);

#endif
