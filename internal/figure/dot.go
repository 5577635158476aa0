package figure

import (
	"fmt"
	"io"
	"strings"

	"hourglass/models"
)

// DOT writes the model as a graph in the language of Graphviz.
func DOT(w io.Writer, title string, in models.Shape, layers []models.LayerInfo) error {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph {\n  label=%s; labelloc=t; rankdir=LR; fontname=\"Helvetica\";\n", dotText(title))
	b.WriteString("  node [shape=box, style=\"filled,rounded\", fontname=\"Helvetica\", fontcolor=white, color=white];\n")
	b.WriteString("  edge [fontname=\"Helvetica\", fontsize=10, color=\"#4a4d57\"];\n")
	all := slabs(in, layers)
	for i, s := range all {
		name := "image"
		if len(s.texts) > 0 {
			name = strings.Join(s.texts, "\n")
		}
		if s.parameters > 0 {
			name += "\n" + grouped(s.parameters) + " parameters"
		}
		fmt.Fprintf(&b, "  n%d [label=%s, fillcolor=%q];\n", i, dotText(name), shades[s.part][0])
		if i > 0 {
			fmt.Fprintf(&b, "  n%d -> n%d [label=%s];\n", i-1, i, dotText(shapeText(all[i-1].shape)))
		}
	}
	fmt.Fprintf(&b, "  out [label=\"reconstruction\", fillcolor=%q];\n  n%d -> out [label=%s];\n}\n", shades["input"][0], len(all)-1, dotText(shapeText(all[len(all)-1].shape)))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("figure: writing the DOT: %w", err)
	}
	return nil
}

// dotText quotes a label.
func dotText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}
