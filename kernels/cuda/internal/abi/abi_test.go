package abi

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nvidia is the folder of an original header to compare with; check-header.sh
// gives it.
var nvidia = flag.String("nvidia", "/usr/local/cuda/include", "folder of NVIDIA's cuda.h")

func ours(t *testing.T) *Header {
	t.Helper()
	text, err := os.ReadFile("../../include/cuda.h")
	if err != nil {
		t.Fatal(err)
	}
	h, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestDriverIsUpToDate(t *testing.T) {
	committed, err := os.ReadFile("../../driver.c")
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != Driver(ours(t)) {
		t.Error("driver.c does not follow from include/cuda.h; run go generate ./kernels/cuda")
	}
}

func TestParse(t *testing.T) {
	const text = `
typedef enum CUa_enum {
  CU_ONE = 1,
  CU_TWO = 2 // = two
} CUa;
#define CU_FOUR 4
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef void (*CUhostFn)(void *data);
typedef struct S_struct {
  const void *from;
  char bytes[16];
} S;
CUresult cuInit(unsigned int flags);
CUresult cuSync(void);
CUresult cuCopy(const S *copy, void **to);
`
	h, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Constant{{"CU_ONE", "1"}, {"CU_TWO", "2"}, {"CU_FOUR", "4"}}; !slices.Equal(h.Constants, want) {
		t.Errorf("constants %v, want %v", h.Constants, want)
	}
	if want := []Field{{"from", "const void *from"}, {"bytes", "char bytes[16]"}}; !slices.Equal(h.Structs[0].Fields, want) {
		t.Errorf("fields %v, want %v", h.Structs[0].Fields, want)
	}
	if f, want := h.Functions[2], (Function{"cuCopy", "const S *copy, void **to", "copy, to"}); f != want {
		t.Errorf("function %v, want %v", f, want)
	}
	source := Driver(h)
	if strings.Contains(source, "cuInit(") || !strings.Contains(source, "call ? call(copy, to)") || !strings.Contains(source, "call ? call()") {
		t.Errorf("driver source:\n%s", source)
	}
}

// What Parse cannot read it must not skip in silence.
func TestParseRefuses(t *testing.T) {
	const good = "\ntypedef int A;\ntypedef struct S_struct {\n  int a;\n} S;\n#define CU_A 1\nCUresult cuA(int a);\n"
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"CUresult cuB(int a,\n  int b);\n",
		"CUresult cuB(int);\n",
		"typedef enum B_enum {\n  CU_B,\n  CU_C = 0x10\n} B;\n",
		"#define CU_B (1 << 2)\n",
		"typedef float B;\n",
	} {
		if _, err := Parse(good + bad); err == nil {
			t.Errorf("accepts %q", bad)
		}
	}
}

// compile reports what the C compiler says of the assertions on h beside the
// cuda.h in folder.
func compile(t *testing.T, h *Header, folder string) string {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil {
		t.Skip("no C compiler, so the header is not compiled")
	}
	file := filepath.Join(t.TempDir(), "assertions.c")
	if err := os.WriteFile(file, []byte(Assertions(h)), 0o644); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	cc := exec.Command("cc", "-std=gnu11", "-fsyntax-only", "-I"+folder, file)
	cc.Stderr = &complaints
	if cc.Run() != nil && complaints.Len() == 0 {
		t.Fatal("the C compiler failed without a word")
	}
	return complaints.String()
}

func TestHeaderAgreesWithItself(t *testing.T) {
	if complaints := compile(t, ours(t), "../../include"); complaints != "" {
		t.Error(complaints)
	}
}

func TestHeaderAgreesWithNVIDIA(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(*nvidia, "cuda.h"))
	if err != nil {
		t.Skipf("no cuda.h of NVIDIA's in %s; kernels/cuda/check-header.sh fetches two", *nvidia)
	}
	_, version, _ := strings.Cut(string(text), "#define CUDA_VERSION ")
	version, _, _ = strings.Cut(version, "\n")
	h := ours(t)
	t.Logf("CUDA_VERSION %s: %d functions, %d constants, %d types", version, len(h.Functions), len(h.Constants), len(h.Types)+len(h.Structs))
	if complaints := compile(t, h, *nvidia); complaints != "" {
		t.Error(complaints)
	}
}

// Every kind of assertion must be able to fail.
func TestPlantedDifferencesAreFound(t *testing.T) {
	text, err := os.ReadFile("../../include/cuda.h")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"CUDA_ERROR_OUT_OF_MEMORY = 2,", "CUDA_ERROR_OUT_OF_MEMORY = 3,", "CUDA_ERROR_OUT_OF_MEMORY"},
		{"  size_t pitch;\n  unsigned int value;\n", "  unsigned int value;\n  size_t pitch;\n", "CUDA_MEMSET_NODE_PARAMS.pitch"},
		{"  void *userData;", "  size_t userData;", "type of CUDA_HOST_NODE_PARAMS.userData"},
		{"char bytes[16];", "char bytes[12];", "CUuuid"},
		{"typedef unsigned long long CUdeviceptr", "typedef long long CUdeviceptr", "CUdeviceptr"},
		{"cuMemFree_v2(CUdeviceptr address)", "cuMemFree_v2(void *address)", "cuMemFree_v2"},
		{"CUresult cuGraphLaunch(", "CUresult cuGraphLunch(", "cuGraphLunch"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if changed == string(text) {
			t.Fatalf("cuda.h has no %q", c.old)
		}
		h, err := Parse(changed)
		if err != nil {
			t.Fatal(err)
		}
		if complaints := compile(t, h, "../../include"); !strings.Contains(complaints, c.want) {
			t.Errorf("%q for %q: complaints %q, want one of %s", c.new, c.old, complaints, c.want)
		}
	}
}
