package nearest

import "unicode"

// longest bounds the words compared, in letters: nobody mistypes a longer
// name, and the work grows with the product of the lengths.
const longest = 100

// Of returns the one of names that is nearest to word and true, or "" and
// false when none is near enough. Nearness is the number of letters to insert,
// delete, replace, or swap with their neighbour, upper and lower case being
// equal; a third of the longer word's letters may differ, at least one, but
// never all of word's. The first of several equally near names is returned.
func Of(word string, names []string) (string, bool) {
	target := lower(word)
	if len(target) > longest {
		return "", false
	}
	best, bestDistance := "", longest
	for _, name := range names {
		candidate := lower(name)
		if len(candidate) > longest {
			continue
		}
		cutOff := min(max(1, max(len(target), len(candidate))/3), len(target)-1)
		if d := distance(target, candidate); d == 0 || d <= cutOff && d < bestDistance {
			best, bestDistance = name, d
			if d == 0 {
				break
			}
		}
	}
	return best, bestDistance < longest
}

func lower(word string) []rune {
	letters := []rune(word)
	for i, letter := range letters {
		letters[i] = unicode.ToLower(letter)
	}
	return letters
}

// distance is the optimal string alignment distance (Damerau 1964, Levenshtein
// 1966; no letter is edited twice), by dynamic programming over three rows.
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range b {
			replace := above[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
