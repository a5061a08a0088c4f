package pbkdf2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// stretch is how many iterations a Step does at most, a fraction of a millisecond: the Go scheduler cannot stop a
// goroutine within a kernel, and the garbage collector waits for all of them.
const stretch = 1024

// maxLanes is how many chains the largest kernel takes.
const maxLanes = 4

// Width is how many keys of up to 32 bytes are worth computing together here.
func Width() int {
	if accelerated {
		return maxLanes
	}
	return 1
}

// Lanes compute keys side by side, a stretch at each Step. Keys may join and finish at any time, whatever their numbers of
// iterations. The zero value is ready. Lanes are not safe for concurrent use.
type Lanes struct {
	jobs  []*progress // whose blocks have not all begun
	lanes []*lane     // at work, maxLanes at most
}

// progress is how far a job has come.
type progress struct {
	Job
	done         func(key []byte)
	inner, outer [8]uint32 // HMAC's states after the password's pads
	key          []byte    // of whole blocks
	begun, ended int       // blocks
}

// A chain is what the kernels work on. Its first two parts are in the order of the registers, the others in SHA-256's.
type chain = [4][8]uint32

// The parts of a chain.
const (
	inner = iota // HMAC's state before a message
	outer        // and before the hash of that
	last         // the last HMAC, which is the next one's message
	sum          // all of them, added bit by bit
)

// A lane computes one block of a key.
type lane struct {
	chain
	of    *progress
	block int // from 0
	left  int // iterations
}

// Add gives the lanes a job. A Step calls done with its key, which is nil under the same conditions as Key's; done may add
// another job. Password and Salt must not change before.
func (l *Lanes) Add(job Job, done func(key []byte)) {
	l.jobs = append(l.jobs, &progress{Job: job, done: done})
}

// Busy tells whether jobs are not finished.
func (l *Lanes) Busy() bool { return len(l.jobs)+len(l.lanes) > 0 }

// Free tells whether another job would begin with the next Step.
func (l *Lanes) Free() bool { return len(l.jobs)+len(l.lanes) < Width() }

// Step goes on with up to four chains for a stretch, or less when one of them ends before. Where nothing computes chains
// side by side it does the first job to its end.
func (l *Lanes) Step() {
	l.fill()
	if len(l.lanes) == 0 {
		return
	}
	n := stretch
	for _, lane := range l.lanes {
		n = min(n, lane.left)
	}
	if n > 0 {
		l.iterate(n)
	}
	var finished []*lane
	l.lanes = slices.DeleteFunc(l.lanes, func(lane *lane) bool {
		lane.left -= n
		if lane.left == 0 {
			finished = append(finished, lane)
		}
		return lane.left == 0
	})
	for _, lane := range finished {
		lane.finish()
	}
}

// fill has blocks begin until four are at work.
func (l *Lanes) fill() {
	for len(l.lanes) < maxLanes && len(l.jobs) > 0 {
		p := l.jobs[0]
		if !accelerated || p.KeyLen < 1 || int64(p.KeyLen) > maxKeyLen {
			l.jobs = l.jobs[1:]
			p.done(p.standard())
			return
		}
		if p.begun == 0 {
			p.prepare()
		}
		l.lanes = append(l.lanes, p.next())
		if p.begun*sha256.Size == len(p.key) {
			l.jobs = l.jobs[1:]
		}
	}
}

// maxKeyLen is where the number of blocks ends.
const maxKeyLen = (1<<32 - 1) * sha256.Size

// prepare hashes the password into both of HMAC's pads (RFC 2104).
func (p *progress) prepare() {
	var key, innerPad, outerPad [sha256.BlockSize]byte
	if len(p.Password) <= len(key) {
		copy(key[:], p.Password)
	} else {
		hash := sha256.Sum256(p.Password)
		copy(key[:], hash[:])
	}
	for i, b := range key {
		innerPad[i], outerPad[i] = b^0x36, b^0x5c
	}
	p.inner, p.outer = initialState, initialState
	block(&p.inner, &innerPad)
	block(&p.outer, &outerPad)
	p.key = make([]byte, (p.KeyLen+sha256.Size-1)/sha256.Size*sha256.Size)
}

// initialState is SHA-256's (FIPS 180-4, 5.3.3) in the order of the registers: F E B A H G D C.
var initialState = [8]uint32{
	0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667, 0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372,
}

// next does the first iteration of the next block: its message is longer than the others'.
func (p *progress) next() *lane {
	mac := hmac.New(sha256.New, p.Password)
	mac.Write(p.Salt)
	mac.Write(binary.BigEndian.AppendUint32(nil, uint32(p.begun)+1))
	first := mac.Sum(nil)
	l := &lane{of: p, block: p.begun, left: max(p.Iterations-1, 0)}
	l.chain[inner], l.chain[outer] = p.inner, p.outer
	for i := range l.chain[last] {
		l.chain[last][i] = binary.BigEndian.Uint32(first[4*i:])
	}
	l.chain[sum] = l.chain[last]
	p.begun++
	return l
}

// finish puts the block into its key, and gives the key away if it was the last one.
func (l *lane) finish() {
	p := l.of
	for i, word := range l.chain[sum] {
		binary.BigEndian.PutUint32(p.key[l.block*sha256.Size+4*i:], word)
	}
	if p.ended++; p.ended*sha256.Size == len(p.key) {
		p.done(p.key[:p.KeyLen])
	}
}
