//go:build !gpu

package cuda

import (
	"strings"
	"testing"
)

func TestWithoutTheTag(t *testing.T) {
	s := Probe()
	if s.Available || !strings.HasPrefix(s.Reason, "this build has no CUDA support; ") {
		t.Errorf("status %+v", s)
	}
	d, err := Open(0)
	if d != nil || err == nil || err.Error() != s.Reason {
		t.Errorf("Open returns %v, %v, want the reason %q", d, err, s.Reason)
	}
}
