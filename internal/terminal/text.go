package terminal

import (
	"strings"
	"unicode"
)

// columns is the width of one character: 2 for the scripts of East Asia and
// for pictographs, 0 for marks that combine and for control characters.
func columns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul),
		r >= 0xFF01 && r <= 0xFF60, r >= 0x1F300 && r <= 0x1FAFF:
		return 2
	}
	return 1
}

// width is the number of columns that text takes.
func width(text string) int {
	total := 0
	for _, r := range text {
		total += columns(r)
	}
	return total
}

// clean makes text that comes from outside, such as the name of a file, fit
// for one line: control characters, and with them escape sequences, become
// question marks.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
}

// cut shortens text to so many columns, the last an ellipsis if anything was
// lost.
func cut(text string, limit int) string {
	if width(text) <= limit {
		return text
	}
	used := 0
	for i, r := range text {
		if used+columns(r) > limit-1 {
			if limit < 1 {
				return ""
			}
			return text[:i] + "…"
		}
		used += columns(r)
	}
	return text
}
