package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"hourglass/kernels"
)

// raw assembles a file from its JSON and so many bytes of data.
func raw(json string, data int) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(json)))
	return append(append(file, json...), make([]byte, data)...)
}

func decode(file []byte) (*File, error) {
	return Decode(bytes.NewReader(file), int64(len(file)))
}

func TestWriteThenRead(t *testing.T) {
	file := sample(t)
	f, err := decode(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	weight := make([]float32, 100_000)
	for i := range weight {
		weight[i] = float32(i) / 4
	}
	check(t, f, "weight", kernels.Shape{10, 10_000}, weight...)
	check(t, f, "bytes", kernels.Shape{3}, uint8(1), 2, 3)
	check(t, f, "steps", kernels.Shape{}, int64(-7))
	check(t, f, "variance", kernels.Shape{2}, 1.0/3, 1e300)
	check[float32](t, f, "empty", kernels.Shape{0, 4})
	if begin := lengthBytes + binary.LittleEndian.Uint64(file.Bytes()); begin%8 != 0 {
		t.Errorf("the data begins at byte %d, want a multiple of 8", begin)
	}
	if again := sample(t); !bytes.Equal(again.Bytes(), file.Bytes()) {
		t.Error("the same tensors gave other bytes the second time")
	}
}

func TestKnownBytes(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, map[string]string{"b": "2", "a": "1"},
		[]Tensor{Describe[float32]("x", 1), Describe[uint8]("y")})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Write(w, "x", []float32{1}), Write(w, "y", []uint8{9}), w.Close()); err != nil {
		t.Fatal(err)
	}
	json := `{"__metadata__":{"a":"1","b":"2"},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},` +
		`"y":{"dtype":"U8","shape":[],"data_offsets":[4,5]}}`
	json += strings.Repeat(" ", 7-(len(json)-1)%8)
	want := append(raw(json, 0), 0, 0, 0x80, 0x3f, 9)
	if !bytes.Equal(file.Bytes(), want) {
		t.Errorf("the file is\n%q, want\n%q", file.Bytes(), want)
	}
}

func TestEmptyFile(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := decode(file.Bytes())
	if err != nil || len(f.Tensors()) != 0 || f.Metadata() != nil {
		t.Errorf("got %v, %v, want neither tensors nor metadata", f, err)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	tensor := func(name, dtype, shape string, begin, end uint64) string {
		return fmt.Sprintf(`"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
	}
	a, b := tensor("a", "F32", "[2]", 0, 8), tensor("b", "U8", "[4]", 8, 12)
	long := strings.Repeat("n", 1000)
	for name, c := range map[string]struct {
		json string
		data int
		want string // part of the sentence
	}{
		"cut off":            {"{" + a + "}", 7, `tensor "a": its data_offsets are 0 to 8`},
		"too long":           {"{" + a + "}", 9, "the tensors end at byte 8, but the file holds 9"},
		"gap":                {"{" + a + "," + tensor("b", "U8", "[4]", 9, 13) + "}", 13, `tensor "b": it begins at byte 9, but nothing`},
		"gap at the start":   {"{" + b + "}", 12, `tensor "b": it begins at byte 8`},
		"overlap":            {"{" + a + "," + tensor("b", "U8", "[4]", 7, 11) + "}", 11, `tensor "b": it begins at byte 7, inside`},
		"same place":         {"{" + a + "," + tensor("b", "F32", "[2]", 0, 8) + "}", 8, `tensor "b": it begins at byte 0, inside`},
		"twice":              {"{" + a + "," + tensor("a", "U8", "[4]", 8, 12) + "}", 12, `tensor "a": the header has it twice`},
		"twice, escaped":     {"{" + a + "," + tensor(`\u0061`, "U8", "[4]", 8, 12) + "}", 12, `tensor "a": the header has it twice`},
		"reversed":           {"{" + tensor("a", "U8", "[4]", 4, 0) + "}", 4, `tensor "a": its data_offsets are 4 to 0`},
		"wrong size":         {"{" + tensor("a", "F32", "[3]", 0, 8) + "}", 8, `tensor "a": F32 3 has 12 bytes, but its data_offsets span 8`},
		"unknown dtype":      {"{" + tensor("a", "F33", "[2]", 0, 8) + "}", 8, `tensor "a": its dtype is "F33"`},
		"overflowing shape":  {"{" + tensor("a", "U8", "[4294967296,4294967296]", 0, 0) + "}", 0, `tensor "a": its shape has more bytes`},
		"overflowing width":  {"{" + tensor("a", "F64", "[2305843009213693952]", 0, 0) + "}", 0, `tensor "a": its shape has more bytes`},
		"overflowing int64":  {"{" + tensor("a", "U8", "[9223372036854775808]", 0, 0) + "}", 0, "larger than any file"},
		"many axes":          {"{" + tensor("a", "U8", "["+strings.Repeat("1,", 99)+"1]", 0, 1) + "}", 1, `tensor "a": its shape has 100 axes`},
		"negative axis":      {"{" + tensor("a", "U8", "[-1]", 0, 1) + "}", 1, `tensor "a": the header is damaged`},
		"fraction":           {"{" + tensor("a", "U8", "[1.0]", 0, 1) + "}", 1, `tensor "a": the header is damaged`},
		"leading zero":       {"{" + tensor("a", "U8", "[01]", 0, 1) + "}", 1, "begins with 0"},
		"one offset":         {`{"a":{"dtype":"U8","shape":[],"data_offsets":[0]}}`, 1, `tensor "a": it has 1 data_offsets`},
		"no shape":           {`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1, `tensor "a": it lacks shape`},
		"shape twice":        {`{"a":{"dtype":"U8","shape":[],"shape":[],"data_offsets":[0,1]}}`, 1, `tensor "a": shape stands twice`},
		"unknown key":        {`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":0}}`, 1, `tensor "a": it has an unknown key "x"`},
		"no object":          {`{"a":7}`, 1, `tensor "a": the header is damaged at byte 5`},
		"metadata twice":     {`{"__metadata__":{},"__metadata__":{}}`, 0, "__metadata__ stands twice"},
		"metadata key twice": {`{"__metadata__":{"a":"1","a":"2"}}`, 0, `metadata has "a" twice`},
		"metadata no string": {`{"__metadata__":{"a":1}}`, 0, "want '\"'"},
		"no JSON":            {"x", 0, "want '{'"},
		"no header":          {"", 0, "want '{'"},
		"zero bytes":         {"\x00\x00", 0, "want '{'"},
		"unfinished":         {"{" + a, 8, "want ','"},
		"unfinished string":  {`{"a`, 0, "does not end"},
		"unfinished escape":  {`{"a\`, 0, "does not end"},
		"wrong escape":       {`{"a\q":1}`, 0, "wrong escape"},
		"control character":  {"{\"a\n\":1}", 0, "control character"},
		"comma at the end":   {"{" + a + ",}", 8, "want '\"'"},
		"more after it":      {"{" + a + "}x", 8, "something follows"},
		"not UTF-8":          {"{\"\xff\":1}", 0, "not UTF-8"},
		"long name":          {"{" + tensor(long, "U8", "[]", 0, 2) + "}", 2, `tensor "` + long[:100] + `"...: U8 scalar has 1 bytes`},
	} {
		_, err := decode(raw(c.json, c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: the sentence has %d bytes", name, len(err.Error()))
		}
	}
}

func TestOddFilesAreRead(t *testing.T) {
	for name, file := range map[string][]byte{
		"white space":  raw(" {\n\"a\" : {\"shape\":[ ],\"data_offsets\":[ 0 , 1 ] ,\t\"dtype\":\"U8\"} } ", 1),
		"other types":  raw(`{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[2,3]}}`, 3),
		"huge but 0":   raw(`{"a":{"dtype":"U8","shape":[9223372036854775807,0],"data_offsets":[0,0]}}`, 0),
		"0 in between": raw(`{"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2),
	} {
		if _, err := decode(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeaderLength(t *testing.T) {
	claim := func(length uint64) []byte { return binary.LittleEndian.AppendUint64(nil, length) }
	for name, c := range map[string]struct {
		file []byte
		size int64 // as claimed to Decode
		want string
	}{
		"empty":           {nil, 0, "it has 0 bytes"},
		"seven bytes":     {claim(0)[:7], 7, "it has 7 bytes"},
		"beyond the file": {append(claim(3), "{}"...), 10, "it is cut off"},
		"overflowing":     {append(claim(1<<64-1), "{}"...), 10, "it is cut off"},
		"beyond 100 MB":   {append(claim(100_000_001), "{}"...), 1 << 40, "it is cut off"},
		"cut meanwhile":   {append(claim(50_000_000), "{}"...), 1 << 40, "reading the header"},
		"of torch.save":   {[]byte("PK\x03\x04\x00\x00\x08\x08\x00\x00"), 1 << 20, "safetensors.torch.save_file"},
		"of PyTorch 1.5":  {[]byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 "), 1 << 20, "safetensors.torch.save_file"},
	} {
		if _, err := Decode(bytes.NewReader(c.file), c.size); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestReadRefusesTheWrongSlice(t *testing.T) {
	f, err := decode(raw(`{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`, 8))
	if err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		`tensor "b": the file has none`:              Read(f, "b", make([]float32, 2)),
		`tensor "a": the file holds it as F32, want`: Read(f, "a", make([]float64, 2)),
		`tensor "a": the file holds it as 1x2, 2 el`: Read(f, "a", make([]float32, 3)),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestWriterRefusals(t *testing.T) {
	x, y := Describe[float32]("x", 2), Describe[uint8]("y", 3)
	for name, tensors := range map[string][]Tensor{
		"twice":         {x, x},
		"metadata":      {Describe[float32]("__metadata__", 1)},
		"unaligned":     {y, x},
		"unknown dtype": {{Name: "z", DType: "Z9"}},
		"negative axis": {Describe[float32]("z", -1)},
		"not UTF-8":     {Describe[float32]("\xff", 1)},
		"too large":     {Describe[uint8]("a", 1<<62), Describe[uint8]("b", 1<<62)},
	} {
		if _, err := NewWriter(io.Discard, nil, tensors); err == nil {
			t.Errorf("%s: NewWriter gave no error", name)
		}
	}
	if _, err := NewWriter(io.Discard, map[string]string{"a": "\xff"}, nil); err == nil {
		t.Error("metadata that is not UTF-8: NewWriter gave no error")
	}
	for name, steps := range map[string]func(w *Writer) error{
		"unknown name": func(w *Writer) error { return Write(w, "z", []float32{1, 2}) },
		"wrong order":  func(w *Writer) error { return Write(w, "y", []uint8{1, 2, 3}) },
		"wrong type":   func(w *Writer) error { return Write(w, "x", []float64{1, 2}) },
		"too much":     func(w *Writer) error { return Write(w, "x", []float32{1, 2, 3}) },
		"too little": func(w *Writer) error {
			return errors.Join(Write(w, "x", []float32{1}), Write(w, "y", []uint8{1, 2, 3}))
		},
		"unfinished":      func(w *Writer) error { return errors.Join(Write(w, "x", []float32{1, 2}), w.Close()) },
		"after a failure": func(w *Writer) error { Write(w, "z", []float32{1}); return Write(w, "x", []float32{1, 2}) },
		"after the end": func(w *Writer) error {
			if err := errors.Join(Write(w, "x", []float32{1, 2}), Write(w, "y", []uint8{1, 2, 3}), w.Close()); err != nil {
				t.Errorf("a good file failed: %v", err)
			}
			return Write(w, "y", []uint8{})
		},
	} {
		w, err := NewWriter(io.Discard, nil, []Tensor{x, y})
		if err != nil {
			t.Fatal(err)
		}
		if steps(w) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(filepath.Join(folder, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gave %v, want os.ErrNotExist", err)
	}
	path := filepath.Join(folder, "short")
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file gave %v, want an error that names it", err)
	}
}

// FuzzDecode holds Decode to its bound: besides 64 KiB it allocates, garbage
// included, at most 16 bytes for each byte of the file. What is accepted is
// read whole and, written again, gives a file that says the same.
func FuzzDecode(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "golden.safetensors"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(raw("{}", 0))
	f.Add(raw(`{"__metadata__":{"a":"\u00fc"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`, 8))
	f.Add(raw(`{"a":{"dtype":"U8","shape":[`+strings.Repeat("1,", 2000)+`1],"data_offsets":[0,1]}}`, 1))
	f.Add(raw(`{"":{"dtype":"U8","shape":[],"data_offsets":[0,0]},"":{"dtype":"U8","shape":[],"data_offsets":[0,0]}}`, 0))
	f.Add(raw(`{"__metadata__":{`+strings.Repeat(`"\u0061":"",`, 1000), 0))
	many := &strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(many, `,"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
	}
	f.Add(raw("{"+many.String()[1:]+"}", 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		decoded, err := decode(file)
		runtime.ReadMemStats(&after)
		if spent, bound := after.TotalAlloc-before.TotalAlloc, uint64(64<<10+16*len(file)); spent > bound {
			t.Errorf("%d bytes were allocated for a file of %d, want at most %d", spent, len(file), bound)
		}
		if err == nil {
			rewrite(t, decoded)
		}
	})
}

func rewrite(t *testing.T, f *File) {
	tensors := f.Tensors()
	Arrange(tensors)
	var file bytes.Buffer
	w, err := NewWriter(&file, f.Metadata(), tensors)
	if err != nil {
		t.Fatalf("a file that was read cannot be written: %v", err)
	}
	for _, tensor := range tensors {
		switch tensor.DType {
		case F32:
			err = copyTensor[float32](w, f, tensor)
		case F64:
			err = copyTensor[float64](w, f, tensor)
		case I64:
			err = copyTensor[int64](w, f, tensor)
		case U8:
			err = copyTensor[uint8](w, f, tensor)
		default:
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := decode(file.Bytes())
	if err != nil {
		t.Fatalf("a file that was written cannot be read: %v", err)
	}
	if got, want := fmt.Sprint(again.Tensors(), again.Metadata()), fmt.Sprint(tensors, f.Metadata()); got != want {
		t.Errorf("the file says %s, want %s", got, want)
	}
}

func copyTensor[T Element](w *Writer, f *File, tensor Tensor) error {
	values := make([]T, tensor.Shape.Size())
	if err := Read(f, tensor.Name, values); err != nil {
		return err
	}
	return Write(w, tensor.Name, values)
}
