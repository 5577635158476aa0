package main

import (
	"errors"
	"fmt"
	"strings"
)

// Between these the section stands in the document.
const (
	begin = "<!-- written by go run ./bench/launches -->\n"
	end   = "<!-- end -->\n"
)

// Targets: of PyTorch's launches, and of its bytes.
const (
	targetLaunches = 1.0 / 3
	targetBytes    = 0.6
)

// parts of a document: up to the section, the section, and behind it.
func parts(document string) (before, section, after string, err error) {
	before, rest, found := strings.Cut(document, begin)
	section, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", "", "", errors.New(documentPath + " has no section between " + strings.TrimSpace(begin) + " and " + strings.TrimSpace(end))
	}
	return before + begin, section, end + after, nil
}

// section sets ours beside PyTorch's.
func section(ours []counts, theirs torch) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "| a training step | | Hourglass | PyTorch %s, eager | ratio | target |\n| --- | --- | --- | --- | --- | --- |\n", theirs.Version)
	var missed []string
	for _, o := range ours {
		t, known := theirs.Workloads[o.name]
		switch {
		case !known:
			return "", fmt.Errorf("PyTorch's side of %s was never counted; give -python", o.name)
		case t.Batch != o.Batch || t.Parameters != o.Parameters:
			return "", fmt.Errorf("%s has batch %d and %d parameters here, and %d and %d in PyTorch; count again by -python", o.name, o.Batch, o.Parameters, t.Batch, t.Parameters)
		}
		head := fmt.Sprintf("%s, batch %d", o.name, o.Batch)
		row := func(what string, ours, theirs, unit, target float64, wanted string) {
			ratio := ours / theirs
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f | %s |\n", head, what, amount(ours, unit), amount(theirs, unit), ratio, wanted)
			head = ""
			if wanted != "" && ratio > target {
				missed = append(missed, fmt.Sprintf("%s %s (%.2f)", o.name, what, ratio))
			}
		}
		row("launches", float64(o.Launches), float64(t.Launches), 1, targetLaunches, "at most 1/3")
		row("MB of launches", float64(o.LaunchBytes), float64(t.LaunchBytes), 1e6, targetBytes, fmt.Sprintf("at most %.2f", targetBytes))
		row("operations", float64(o.Operations), float64(t.Operations), 1, 0, "")
		row("MB of operations", float64(o.Bytes), float64(t.Bytes), 1e6, 0, "")
	}
	b.WriteString("\n")
	if missed == nil {
		b.WriteString("Every target is reached.\n")
	} else {
		fmt.Fprintf(&b, "**Missed**: %s.\n", strings.Join(missed, ", "))
	}
	b.WriteString("\n" + auxiliary(ours))
	return b.String(), nil
}

// amount prints a count, or so many of a unit.
func amount(x, unit float64) string {
	if unit == 1 {
		return fmt.Sprintf("%.0f", x)
	}
	if x/unit < 1000 {
		return fmt.Sprintf("%.1f", x/unit)
	}
	return fmt.Sprintf("%.0f", x/unit)
}

// auxiliary says how many of our launches could go with others.
func auxiliary(ours []counts) string {
	roles := []struct {
		what string
		is   func(kernel string) bool
	}{
		{"lay filters out anew (`lay_out`)", func(k string) bool { return strings.HasPrefix(k, "lay_out") }},
		{"read images for statistics or sums alone (`norm_statistics`, `norm_sums`)", func(k string) bool {
			return strings.HasPrefix(k, "norm_statistics") || strings.HasPrefix(k, "norm_sums")
		}},
		{"combine values element by element (`chain`, `combine`, `map`, `affine`)", func(k string) bool {
			return strings.HasPrefix(k, "combine") || strings.HasPrefix(k, "map") || k == "affine" || k == "chain"
		}},
		{"copy a gradient that two parameters share, or change an order (`move`, `transpose`)", func(k string) bool { return k == "transpose" || k == "move" }},
		{"sum the gradients' squares (`gradient_`)", func(k string) bool { return strings.HasPrefix(k, "gradient_") }},
	}
	var b strings.Builder
	b.WriteString("| of our launches")
	for _, o := range ours {
		b.WriteString(" | " + o.name)
	}
	b.WriteString(" |\n| ---" + strings.Repeat(" | ---", len(ours)) + " |\n")
	for _, r := range roles {
		b.WriteString("| " + r.what)
		for _, o := range ours {
			n := 0
			for _, k := range o.kernels {
				if r.is(k) {
					n++
				}
			}
			fmt.Fprintf(&b, " | %d", n)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}
