//go:build !gpu

package emulated

import "testing"

func TestWithoutTheTag(t *testing.T) {
	if d, found := Find(); d != nil || found {
		t.Errorf("found %v in a build without the tag gpu", d)
	}
}
