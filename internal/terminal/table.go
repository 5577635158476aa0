package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Table is text in columns. A column in which every cell begins like a number
// (a digit, a sign, a dash for none) stands flush right, any other flush left.
type Table struct {
	Title string   // above the table; may be empty
	Head  []string // names of the columns; may be nil
	Rows  [][]string
}

// gap stands between columns.
const gap = "  "

// Lines returns the table a line an item, without line ends: the title, the
// head, a rule if there is either, and the rows. Cells that a row lacks are
// empty.
func (t *Terminal) Lines(table Table) []string {
	head, rows := clone(table.Head), make([][]string, len(table.Rows))
	for i := range rows {
		rows[i] = clone(table.Rows[i])
	}
	widths := columnWidths(append([][]string{head}, rows...))
	right := make([]bool, len(widths))
	for column := range widths {
		right[column] = numeric(rows, column)
	}
	title := clean(table.Title)
	whole := sumOf(widths) + len(gap)*(len(widths)-1)
	if len(widths) == 0 {
		whole = width(title)
	}
	var lines []string
	if title != "" {
		lines = append(lines, t.bold(title))
	}
	if len(head) > 0 {
		lines = append(lines, t.bold(align(head, widths, right)))
	}
	if len(lines) > 0 {
		lines = append(lines, strings.Repeat("─", whole))
	}
	for _, row := range rows {
		lines = append(lines, align(row, widths, right))
	}
	return lines
}

// clone copies cells, cleaned.
func clone(cells []string) []string {
	cleaned := make([]string, len(cells))
	for i, cell := range cells {
		cleaned[i] = clean(cell)
	}
	return cleaned
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for column, cell := range row {
			if column == len(widths) {
				widths = append(widths, 0)
			}
			widths[column] = max(widths[column], width(cell))
		}
	}
	return widths
}

func sumOf(values []int) int {
	sum := 0
	for _, value := range values {
		sum += value
	}
	return sum
}

// numeric reports whether the column holds numbers; empty cells do not count.
func numeric(rows [][]string, column int) bool {
	any := false
	for _, row := range rows {
		if column >= len(row) || row[column] == "" {
			continue
		}
		first, _ := utf8.DecodeRuneInString(row[column])
		if !unicode.IsDigit(first) && !strings.ContainsRune("+-–—−.<>≤≥~", first) {
			return false
		}
		any = true
	}
	return any
}

// align joins the cells of one row, with no spaces at its end.
func align(row []string, widths []int, right []bool) string {
	var line strings.Builder
	for column, cell := range row {
		if column > 0 {
			line.WriteString(gap)
		}
		space := strings.Repeat(" ", widths[column]-width(cell))
		if right[column] {
			line.WriteString(space + cell)
		} else {
			line.WriteString(cell + space)
		}
	}
	return strings.TrimRight(line.String(), " ")
}
