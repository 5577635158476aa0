package cuda

import "fmt"

// Error is a driver call that failed. errors.Is finds its Code:
//
//	errors.Is(err, cuda.OutOfMemory)
type Error struct {
	Op   string // the driver call and what it was about
	Code Code
	Name string // as the driver calls the code
	Text string // what is known beyond that: the driver's description, a compiler's log
}

func (e *Error) Error() string {
	text := fmt.Sprintf("cuda: %s failed with %s (%d)", e.Op, e.Name, int(e.Code))
	if e.Text != "" {
		text += ": " + e.Text
	}
	if advice := codes[e.Code].advice; advice != "" {
		text += "; " + advice
	}
	return text
}

// Unwrap returns the code.
func (e *Error) Unwrap() error { return e.Code }

// Lost reports whether the device can do nothing more: every later call fails
// as well, until all its users have closed it and opened it again.
func (e *Error) Lost() bool { return codes[e.Code].lost }

// Code is a number that the driver returned.
type Code int

func (c Code) Error() string {
	if known, ok := codes[c]; ok {
		return known.name
	}
	return "an unknown code"
}

// The codes that a caller can do something about.
const (
	InvalidValue      Code = 1
	OutOfMemory       Code = 2
	DeviceUnavailable Code = 46
	NoDevice          Code = 100
	InvalidDevice     Code = 101
	NoBinary          Code = 209
	InvalidPTX        Code = 218
	NoJIT             Code = 221
	UnsupportedPTX    Code = 222
	NotFound          Code = 500
	IllegalAddress    Code = 700
	OutOfResources    Code = 701
	LaunchTimeout     Code = 702
	Misaligned        Code = 716
	LaunchFailed      Code = 719
	NotPermitted      Code = 800
	NotSupported      Code = 801
	SystemNotReady    Code = 802
	DriverMismatch    Code = 803
	DriverTooOld      Code = 804
	CaptureForbids    Code = 900
	CaptureBroken     Code = 901
)

const (
	updateDriver = "the driver is too old: install a newer NVIDIA driver (the oldest that will do knows CUDA 11.5, on GPUs of capability 9.0 12.0)"
	faultyKernel = "a kernel launched before this call did it: run it under compute-sanitizer, then open the device anew"
	faultyCard   = "the GPU itself reports a fault: look at dmesg and nvidia-smi, then open the device anew or use the CPU"
	inCapture    = "this call cannot be recorded: make it before or after Capture"
)

// codes says of well-known codes how the driver calls them, what to do, and
// whether the context is beyond use.
var codes = map[Code]struct {
	name, advice string
	lost         bool
}{
	InvalidValue:      {"CUDA_ERROR_INVALID_VALUE", "", false},
	OutOfMemory:       {"CUDA_ERROR_OUT_OF_MEMORY", "take a smaller batch, or end other programs on this GPU", false},
	DeviceUnavailable: {"CUDA_ERROR_DEVICE_UNAVAILABLE", "another program holds the GPU for itself, or it is in exclusive mode: see nvidia-smi", false},
	NoDevice:          {"CUDA_ERROR_NO_DEVICE", "the driver sees no GPU: check nvidia-smi and CUDA_VISIBLE_DEVICES", false},
	InvalidDevice:     {"CUDA_ERROR_INVALID_DEVICE", "take the index of a GPU that there is", false},
	NoBinary:          {"CUDA_ERROR_NO_BINARY_FOR_GPU", "the PTX was made for a newer GPU than this one", false},
	InvalidPTX:        {"CUDA_ERROR_INVALID_PTX", "the PTX has a mistake, or was made for a newer GPU than this one", false},
	NoJIT:             {"CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "libnvidia-ptxjitcompiler.so.1 is missing: install the whole NVIDIA driver", false},
	UnsupportedPTX:    {"CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the driver is older than the PTX: install a newer NVIDIA driver", false},
	NotFound:          {"CUDA_ERROR_NOT_FOUND", "", false},
	OutOfResources:    {"CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "the block needs more registers or shared memory than there are: take fewer threads", false},
	NotPermitted:      {"CUDA_ERROR_NOT_PERMITTED", "", false},
	NotSupported:      {"CUDA_ERROR_NOT_SUPPORTED", updateDriver, false},
	SystemNotReady:    {"CUDA_ERROR_SYSTEM_NOT_READY", "the machine's GPU services are not running: on machines with NVSwitch, start nvidia-fabricmanager", false},
	DriverMismatch:    {"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "the kernel's NVIDIA module and libcuda have different versions: restart the machine, or install one version of both", false},
	DriverTooOld:      {"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", updateDriver, false},
	CaptureForbids:    {"CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", inCapture, false},
	CaptureBroken:     {"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", inCapture, false},

	IllegalAddress: {"CUDA_ERROR_ILLEGAL_ADDRESS", faultyKernel, true},
	LaunchTimeout:  {"CUDA_ERROR_LAUNCH_TIMEOUT", "a kernel ran longer than the display's watchdog allows, or waits for ever: " + faultyKernel, true},
	710:            {"CUDA_ERROR_ASSERT", faultyKernel, true},
	714:            {"CUDA_ERROR_HARDWARE_STACK_ERROR", faultyKernel, true},
	715:            {"CUDA_ERROR_ILLEGAL_INSTRUCTION", faultyKernel, true},
	Misaligned:     {"CUDA_ERROR_MISALIGNED_ADDRESS", faultyKernel, true},
	717:            {"CUDA_ERROR_INVALID_ADDRESS_SPACE", faultyKernel, true},
	718:            {"CUDA_ERROR_INVALID_PC", faultyKernel, true},
	LaunchFailed:   {"CUDA_ERROR_LAUNCH_FAILED", faultyKernel, true},
	709:            {"CUDA_ERROR_CONTEXT_IS_DESTROYED", "something reset the GPU: open the device anew", true},
	214:            {"CUDA_ERROR_ECC_UNCORRECTABLE", faultyCard, true},
	220:            {"CUDA_ERROR_NVLINK_UNCORRECTABLE", faultyCard, true},
	999:            {"CUDA_ERROR_UNKNOWN", faultyCard, true},
}
