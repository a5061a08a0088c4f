package pbkdf2

import (
	"crypto/fips140"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C gen . -pkg pbkdf2 -out ../kernel_amd64.s -stubs ../kernel_amd64.go

// accelerated tells whether the kernels run here and may: in FIPS 140-3 mode only the standard library's module is approved.
var accelerated = hasSHA() && cpu.X86.HasSSSE3 && !fips140.Enabled()

// hasSHA tells whether the processor has the SHA extensions.
func hasSHA() bool {
	const leaf, bit = 7, 29 // "Structured Extended Feature Flags", EBX
	if most, _ := cpuid(0, 0); most < leaf {
		return false
	}
	_, features := cpuid(leaf, 0)
	return features&(1<<bit) != 0
}

// iterate does n iterations, at least one, in every lane.
func (l *Lanes) iterate(n int) {
	at := func(i int) *chain { return &l.lanes[i].chain }
	switch len(l.lanes) {
	case 1:
		iterate1(at(0), n)
	case 2:
		iterate2(at(0), at(1), n)
	case 3:
		iterate3(at(0), at(1), at(2), n)
	case 4:
		iterate4(at(0), at(1), at(2), at(3), n)
	}
}
