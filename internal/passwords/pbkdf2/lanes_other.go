//go:build !amd64

package pbkdf2

// accelerated is a variable as on the other processors, for the tests; nothing here makes it true.
var accelerated = false

func block(*[8]uint32, *[64]byte) { panic("pbkdf2: no kernel for this processor") }

func (l *Lanes) iterate(int) { panic("pbkdf2: no kernel for this processor") }
