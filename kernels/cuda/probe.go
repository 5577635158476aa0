//go:build gpu

package cuda

import (
	"fmt"
	"os"
	"regexp"
	"runtime"

	"gorgonia.org/cu"
)

// attributeMaxShared is CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
// which cu does not name.
const attributeMaxShared cu.DeviceAttribute = 97

// Probe looks for GPUs. It works on every machine, and never fails otherwise
// than with a reason in the status.
func Probe() Status {
	if err := driverError(); err != nil {
		return Status{Reason: err.Error()}
	}
	s := Status{DriverVersion: newestCUDA(), Missing: missing()}
	n, err := cu.NumDevices()
	if err != nil {
		s.Reason = check(err, "cuDeviceGetCount").Error()
		return s
	}
	if n == 0 {
		s.Reason = "cuda: the NVIDIA driver sees no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES"
	}
	for i := range n {
		gpu, err := describe(i)
		if err == nil {
			gpu.Free, err = freeMemory(cu.Device(i))
		}
		if err != nil {
			gpu.Fault, gpu.Free = err.Error(), -1
		}
		s.GPUs = append(s.GPUs, gpu)
		s.Available = s.Available || err == nil
	}
	if !s.Available && s.Reason == "" {
		s.Reason = s.GPUs[0].Fault
	}
	return s
}

// newestCUDA is the newest CUDA that the driver knows, such as "13.0".
func newestCUDA() string {
	version := cu.Version()
	return fmt.Sprintf("%d.%d", version/1000, version%1000/10)
}

// Knows reports whether the driver knows a version of CUDA, and so its PTX.
func Knows(major, minor int) bool { return cu.Version() >= 1000*major+10*minor }

// DriverVersion tells a driver from the one before it: by the newest CUDA that it
// knows and, where its kernel module says so, by its release, as in
// "580.159.04, CUDA 13.0".
func DriverVersion() string {
	text, _ := os.ReadFile("/proc/driver/nvidia/version") // only Linux has it
	return driverVersion(string(text), newestCUDA())
}

// release is in a line like
//
//	NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  Release Build
var release = regexp.MustCompile(`Kernel Module\D.*?\s(\d+\.\d+(?:\.\d+)?)\s`)

func driverVersion(text, newest string) string {
	if found := release.FindStringSubmatch(text); found != nil {
		return found[1] + ", CUDA " + newest
	}
	return "CUDA " + newest
}

// describe asks for all but what needs a context. Index and device are the same
// number: the driver hands out devices from 0 on.
func describe(index int) (GPU, error) {
	gpu := GPU{Index: index}
	device, err := cu.GetDevice(index)
	if err != nil {
		return gpu, check(err, "cuDeviceGet of GPU %d", index)
	}
	if gpu.Name, err = device.Name(); err != nil {
		return gpu, check(err, "cuDeviceGetName of GPU %d", index)
	}
	if gpu.Memory, err = device.TotalMem(); err != nil {
		return gpu, check(err, "cuDeviceTotalMem of GPU %d", index)
	}
	uuid, err := device.UUID()
	if err != nil {
		return gpu, check(err, "cuDeviceGetUuid of GPU %d", index)
	}
	gpu.UUID = "GPU-" + uuid.String()
	var major, minor int
	for _, wanted := range []struct {
		attribute cu.DeviceAttribute
		value     *int
	}{
		{cu.ComputeCapabilityMajor, &major},
		{cu.ComputeCapabilityMinor, &minor},
		{cu.MultiprocessorCount, &gpu.Multiprocessors},
		{attributeMaxShared, &gpu.MaxShared},
	} {
		if *wanted.value, err = device.Attribute(wanted.attribute); err != nil {
			return gpu, check(err, "cuDeviceGetAttribute %d of GPU %d", wanted.attribute, index)
		}
	}
	gpu.Capability = Capability(10*major + minor)
	return gpu, nil
}

// freeMemory makes the context for a moment that Open would make.
func freeMemory(device cu.Device) (free int64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	context, err := device.RetainPrimaryCtx()
	if err != nil {
		return 0, check(err, "cuDevicePrimaryCtxRetain of GPU %d", device)
	}
	defer device.ReleasePrimaryCtx()
	if err := cu.PushCurrentCtx(context); err != nil {
		return 0, check(err, "cuCtxPushCurrent of GPU %d", device)
	}
	defer cu.PopCurrentCtx()
	free, _, err = cu.MemInfo()
	return free, check(err, "cuMemGetInfo of GPU %d", device)
}
