//go:build gpu

#include "control.h"

#include <dlfcn.h>

int hourglass_find(const char *name, hourglass_control *control) {
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return 0;
  struct {
    const char *name;
    void **address;
  } functions[] = {
      {"hourglass_emulator_fail", (void **)&control->fail},
      {"hourglass_emulator_revive", (void **)&control->revive},
      {"hourglass_emulator_report", (void **)&control->report},
      {"hourglass_emulator_launches", (void **)&control->launches},
      {"hourglass_emulator_kernel", (void **)&control->kernel},
      {"hourglass_emulator_live", (void **)&control->live},
      {"hourglass_emulator_memory", (void **)&control->memory},
      {"hourglass_emulator_order", (void **)&control->order},
      {"hourglass_emulator_eager", (void **)&control->eager},
      {"hourglass_emulator_devices", (void **)&control->devices},
      {"hourglass_emulator_capability", (void **)&control->capability},
      {"hourglass_emulator_cuda", (void **)&control->cuda},
  };
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
    if (!(*functions[i].address = dlsym(library, functions[i].name)))
      return 0;
  return 1;
}

void hourglass_fail(const hourglass_control *c, const char *kind, long long nth) { c->fail(kind, nth); }
void hourglass_revive(const hourglass_control *c) { c->revive(); }
const char *hourglass_report(const hourglass_control *c) { return c->report(); }
long long hourglass_launches(const hourglass_control *c, const char *kernel) { return c->launches(kernel); }
const char *hourglass_kernel(const hourglass_control *c, int i) { return c->kernel(i); }
long long hourglass_live(const hourglass_control *c, const char *kind) { return c->live(kind); }
void hourglass_memory(const hourglass_control *c, size_t bytes) { c->memory(bytes); }
void hourglass_order(const hourglass_control *c, int order) { c->order(order); }
void hourglass_eager(const hourglass_control *c, int eager) { c->eager(eager); }
void hourglass_devices(const hourglass_control *c, int devices) { c->devices(devices); }
void hourglass_capability(const hourglass_control *c, int capability) { c->capability(capability); }
void hourglass_cuda(const hourglass_control *c, int version) { c->cuda(version); }
