package main

import (
	"math"
	"slices"
)

// percentile is the smallest of the sorted values that so large a part of them, 0 to 1, does not exceed; NaN where there are none.
func percentile(sorted []int64, part float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(part * float64(len(sorted))))
	return float64(sorted[min(max(rank, 1), len(sorted))-1])
}

// median is the value in the middle, or the mean of the two that are; NaN where there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// ratio is the median of the ratios of what was measured in the same round, as the machine may be slower in one round than in another.
func ratio(of, against []float64) float64 {
	var ratios []float64
	for i := range min(len(of), len(against)) {
		if against[i] > 0 {
			ratios = append(ratios, of[i]/against[i])
		}
	}
	return median(ratios)
}
