package config

import "strings"

// nearest is the known name that a misspelt one most likely meant, or nothing if none is near.
func nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/3+1
	if len(name) > 100 {
		return ""
	}
	lower := strings.ToLower(name)
	for _, k := range known {
		if d := distance(lower, strings.ToLower(k)); d < bestDistance || d == 0 {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the letters to insert, leave out, replace or swap with their neighbour to get from a to b
// (Damerau's count in its restricted form).
func distance(a, b string) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
