// What the emulated driver exports besides the driver's own functions. The
// names after hourglass_emulator_ are those of the fields.
#ifndef HOURGLASS_CONTROL_H
#define HOURGLASS_CONTROL_H

#include <stddef.h>

typedef struct {
  void (*fail)(const char *kind, long long nth);
  void (*revive)(void);
  const char *(*report)(void);
  long long (*launches)(const char *kernel);
  const char *(*kernel)(int i);
  long long (*live)(const char *kind);
  void (*memory)(size_t bytes);
  void (*order)(int order);
  void (*eager)(int eager);
  void (*devices)(int devices);
  void (*capability)(int capability);
  void (*cuda)(int version);
} hourglass_control;

// hourglass_find fills in the functions; it returns 0 if the library is not the
// emulated driver.
int hourglass_find(const char *library, hourglass_control *control);

// Go cannot call through pointers to functions.
void hourglass_fail(const hourglass_control *c, const char *kind, long long nth);
void hourglass_revive(const hourglass_control *c);
const char *hourglass_report(const hourglass_control *c);
long long hourglass_launches(const hourglass_control *c, const char *kernel);
const char *hourglass_kernel(const hourglass_control *c, int i);
long long hourglass_live(const hourglass_control *c, const char *kind);
void hourglass_memory(const hourglass_control *c, size_t bytes);
void hourglass_order(const hourglass_control *c, int order);
void hourglass_eager(const hourglass_control *c, int eager);
void hourglass_devices(const hourglass_control *c, int devices);
void hourglass_capability(const hourglass_control *c, int capability);
void hourglass_cuda(const hourglass_control *c, int version);

#endif
