package nearest

import (
	"fmt"
	"strings"
	"testing"
)

var names = []string{"train", "eval", "recon", "sample", "epochs", "learning_rate", "free_bits", "k"}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		word, want string
	}{
		{"train", "train"},
		{"TRAIN", "train"},
		{"trian", "train"},
		{"trainn", "train"},
		{"rtain", "train"},
		{"epoch", "epochs"},
		{"epohcs", "epochs"},
		{"evil", "eval"},
		{"learning-rate", "learning_rate"},
		{"learnrate", "learning_rate"},
		{"freebits", "free_bits"},
		{"K", "k"},
		{"x", ""},
		{"", ""},
		{"banana", ""},
		{"tr", ""},
		{strings.Repeat("train", 30), ""},
	} {
		got, found := Of(c.word, names)
		if got != c.want || found != (c.want != "") {
			t.Errorf("Of(%q) = %q, %t, want %q", c.word, got, found, c.want)
		}
	}
}

func TestOfPrefersTheNearestThenTheFirst(t *testing.T) {
	if got, _ := Of("conv3", []string{"conv12", "conv2", "conv1"}); got != "conv2" {
		t.Errorf("got %q, want conv2: nearer than conv12, earlier than conv1", got)
	}
	if got, _ := Of("conv1", []string{"conv2", "conv1"}); got != "conv1" {
		t.Errorf("got %q, want the exact name", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3},
		{"ab", "ba", 1}, {"abcd", "acbd", 1},
		{"ca", "abc", 3}, // the swapped pair may not be edited again
		{"kitten", "sitting", 3}, {"größe", "grosse", 3},
	} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance([]rune(c.b), []rune(c.a)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func ExampleOf() {
	if name, found := Of("sampel", []string{"train", "sample"}); found {
		fmt.Printf("unknown command \"sampel\", did you mean %q?\n", name)
	}
	// Output: unknown command "sampel", did you mean "sample"?
}
