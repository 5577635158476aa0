package train

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestStepOf(t *testing.T) {
	for name, want := range map[string]int{
		"step-00000000.safetensors": 0, "step-00001234.safetensors": 1234, "step-123456789.safetensors": 123456789,
		"step-1234.safetensors": -1, "step-0000+123.safetensors": -1, "step--0000001.safetensors": -1, "step-00001234": -1,
		"00001234.safetensors": -1, ".step-00001234.safetensors.tmp-0123456789abcdef": -1, "../step-00001234.safetensors": -1, "": -1,
	} {
		if step, ok := stepOf(name); ok != (want >= 0) || ok && step != want {
			t.Errorf("%q is of step %d (%t), want %d", name, step, ok, want)
		}
	}
}

// saveSteps saves checkpoints of the given steps, of which best is the best.
func saveSteps(t *testing.T, d checkpoints, best int, steps ...int) {
	t.Helper()
	m := filled(t)
	for _, step := range steps {
		s := State{Step: step, BestStep: min(step, best)}
		if _, err := d.save(Snapshot(m.store, s, nil)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPruning(t *testing.T) {
	d := checkpoints{filepath.Join(t.TempDir(), "checkpoints"), 2}
	saveSteps(t, d, 20, 10, 20, 30, 40, 50)
	if steps, err := d.steps(); err != nil || !slices.Equal(steps, []int{50, 40, 20}) {
		t.Errorf("steps %v are kept (%v), want the newest two, 50 and 40, and the best, 20", steps, err)
	}
	if path, err := LatestCheckpoint(d.path); err != nil || path != d.file(50) {
		t.Errorf("the latest is %s (%v), want step 50", path, err)
	}
	if path, err := BestCheckpoint(d.path); err != nil || path != d.file(20) {
		t.Errorf("the best is %s (%v), want step 20", path, err)
	}
	saveSteps(t, d, 60, 60)
	if steps, _ := d.steps(); !slices.Equal(steps, []int{60, 50}) {
		t.Errorf("steps %v are kept, want 60, now the best, and 50", steps)
	}
	// An older step saved later, as after damage to the newest, is the latest.
	if _, err := d.save(Snapshot(filled(t).store, State{Step: 45, BestStep: 20}, nil)); err != nil {
		t.Fatal(err)
	}
	if steps, _ := d.steps(); !slices.Equal(steps, []int{60, 50, 45}) {
		t.Errorf("steps %v are kept, want the latest, 45, too", steps)
	}
	d.keep = 0
	saveSteps(t, d, 60, 46, 47, 48)
	if steps, _ := d.steps(); len(steps) != 6 {
		t.Errorf("steps %v are kept, want all six", steps)
	}
}

func TestNamedIsWithinTheFolder(t *testing.T) {
	d := checkpoints{path: t.TempDir()}
	for _, text := range []string{"", "../step-00000001.safetensors", "/etc/passwd", "step-1.safetensors"} {
		if err := os.WriteFile(filepath.Join(d.path, latestName), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if path, err := LatestCheckpoint(d.path); err == nil {
			t.Errorf("%q names %s, want an error", text, path)
		}
	}
	if _, err := BestCheckpoint(d.path); err == nil {
		t.Error("a name that is not there gave no error")
	}
}

func TestNewestSkipsDamage(t *testing.T) {
	d := checkpoints{path: t.TempDir()}
	if c, _, _, err := d.newest(); c != nil || err != nil {
		t.Errorf("an empty folder gave %v, %v", c, err)
	}
	if c, _, _, err := (checkpoints{path: filepath.Join(d.path, "absent")}).newest(); c != nil || err != nil {
		t.Errorf("no folder gave %v, %v", c, err)
	}
	saveSteps(t, d, 10, 10, 20, 30, 40)
	spoil(t, d.file(40), -1)
	if err := os.Truncate(d.file(30), 100); err != nil {
		t.Fatal(err)
	}
	c, path, damaged, err := d.newest()
	if err != nil || c.State.Step != 20 || path != d.file(20) || len(damaged) != 2 {
		t.Fatalf("got step %v of %s, damaged %v, error %v; want step 20 and two damaged", c, path, damaged, err)
	}
	if err := os.Rename(d.file(20), d.file(25)); err != nil {
		t.Fatal(err)
	}
	if c, _, damaged, _ := d.newest(); c.State.Step != 10 || !strings.Contains(damaged[2].Error(), "renamed") {
		t.Errorf("got step %d, damaged %v; want step 10, one renamed", c.State.Step, damaged)
	}
	if err := os.Remove(d.file(10)); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := d.newest(); err == nil || !strings.Contains(err.Error(), "no checkpoint of") {
		t.Errorf("a folder of damaged checkpoints gave %v", err)
	}
}

// spoil flips a bit of a file; at counts from its end if negative.
func spoil(t *testing.T, path string, at int) {
	t.Helper()
	contents, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(contents)
	}
	contents[at] ^= 1
	if err := os.WriteFile(path, contents, 0o666); err != nil {
		t.Fatal(err)
	}
}
