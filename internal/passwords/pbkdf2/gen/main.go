// Gen writes ../lanes_amd64.s: PBKDF2's inner loop for one to four chains at once on the SHA extensions.
//
// A round instruction's result is there after four cycles, but the next instruction can begin earlier, how much depends on
// the processor, if it does not need that: so the chains of a kernel take turns, four rounds of each.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// k are SHA-256's round constants (FIPS 180-4, 4.2.2).
var k = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// padding are words 8 to 15 of every block that a chain hashes: the end mark, zeros, and the length of a block and a sum in bits.
var padding = [8]uint32{0: 1 << 31, 7: (64 + 32) * 8}

// Read-only operands of 16 bytes. The linker aligns them, as instructions of this age want.
var (
	roundConstants [16]Mem // four rounds each
	paddingWords   [2]Mem  // words 8 to 11 and 12 to 15 of a chain's block
	paddingRounds  [2]Mem  // the same with their round constants added
	bigEndian      Mem     // for PSHUFB
)

func constants() {
	table := GLOBL("constants", 8|16) // RODATA, NOPTR
	offset := 0
	add := func(words [4]uint32) Mem {
		at := table.Offset(offset)
		for _, word := range words {
			DATA(offset, U32(word))
			offset += 4
		}
		return at
	}
	for i := range roundConstants {
		roundConstants[i] = add([4]uint32(k[4*i:]))
	}
	for i := range paddingWords {
		words := [4]uint32(padding[4*i:])
		paddingWords[i] = add(words)
		for j := range words {
			words[j] += k[8+4*i+j]
		}
		paddingRounds[i] = add(words)
	}
	bigEndian = add([4]uint32{0x00010203, 0x04050607, 0x08090a0b, 0x0c0d0e0f})
}

// A lane is the working set of one chain in a kernel.
type lane struct {
	// abef and cdgh are the working variables, as the round instruction wants them.
	abef, cdgh reg.VecPhysical
	// words are the last 16 words of the message schedule, four a place: words 4i to 4i+3 are in place i mod 4.
	// While they are not finished, what goes into them is.
	words [4]Op
	// padded says that the second half of the block is padding.
	padded bool
}

// Registers that all lanes share: the processor renames them. A round instruction takes its words from X0, always.
var rounds, scratch, scratch2 = reg.X0, reg.X1, reg.X15

// word is where words 4i to 4i+3 are.
func (l lane) word(i int) Op {
	if l.padded && (i == 2 || i == 3) {
		return paddingWords[i-2]
	}
	return l.words[i%4]
}

// fourRounds does rounds 4i to 4i+3, and what is due then on the words of later ones.
func (l lane) fourRounds(i int) {
	if l.padded && (i == 2 || i == 3) {
		MOVO(paddingRounds[i-2], rounds)
	} else {
		MOVO(l.word(i), rounds)
		PADDD(roundConstants[i], rounds)
	}
	SHA256RNDS2(rounds, l.abef, l.cdgh)
	PSHUFD(Imm(0b00_00_11_10), rounds, rounds)
	SHA256RNDS2(rounds, l.cdgh, l.abef)
	if 3 <= i && i < 15 {
		l.finish(i + 1)
	}
	if 1 <= i && i < 13 {
		l.begin(i + 3)
	}
}

// begin adds words 4i-16 to 4i-13 and σ0 of those that follow each, in the place of words 4i.
func (l lane) begin(i int) {
	if l.padded && i == 6 {
		return // σ0 of the words that follow is zero: finish takes words 8 to 11 as they are
	}
	place, early := l.words[i%4], l.word(i-4)
	sum, ok := place.(reg.Register)
	if !ok {
		sum = scratch
	}
	if early != Op(sum) {
		MOVO(early, sum)
	}
	SHA256MSG1(l.word(i-3), sum)
	if place != Op(sum) {
		MOVO(sum, place)
	}
}

// finish adds words 4i-7 to 4i-4 and σ1 of the two before each. Word 4i-4 comes late, after σ1 of others instead of before:
// the instruction for σ1 takes six cycles, and four rounds no more than eight.
func (l lane) finish(i int) {
	place, begun := l.words[i%4], l.words[i%4]
	if l.padded && i == 6 {
		begun = l.word(2)
	}
	sum, ok := place.(reg.Register)
	if !ok {
		sum = scratch2
	}
	if begun != Op(sum) {
		MOVO(begun, sum)
	}
	zero := l.padded && i == 4 // words 9 to 12 are
	if !zero {
		MOVO(l.word(i-2), scratch)
		PSRLDQ(Imm(4), scratch)
		PADDD(scratch, sum)
	}
	SHA256MSG2(l.word(i-1), sum)
	if !zero {
		MOVO(l.word(i-1), scratch)
		PSLLDQ(Imm(12), scratch)
		PADDD(scratch, sum)
	}
	if place != Op(sum) {
		MOVO(sum, place)
	}
}

// blockFunction is SHA-256's compression of any block, for the states that a chain begins from.
func blockFunction() {
	TEXT("block", NOSPLIT, "func(state *[8]uint32, p *[64]byte)")
	Pragma("noescape")
	Doc("block hashes p into state, whose words stand in the order of the registers: F E B A H G D C.")
	state := Mem{Base: Load(Param("state"), GP64())}
	p := Mem{Base: Load(Param("p"), GP64())}
	l := lane{abef: reg.X2, cdgh: reg.X3, words: [4]Op{reg.X4, reg.X5, reg.X6, reg.X7}}
	for i, word := range l.words {
		MOVOU(p.Offset(16*i), word)
		PSHUFB(bigEndian, word)
	}
	MOVOU(state, l.abef)
	MOVOU(state.Offset(16), l.cdgh)
	for i := range 16 {
		l.fourRounds(i)
	}
	MOVOU(state, reg.X4)
	MOVOU(state.Offset(16), reg.X5)
	PADDD(reg.X4, l.abef)
	PADDD(reg.X5, l.cdgh)
	MOVOU(l.abef, state)
	MOVOU(l.cdgh, state.Offset(16))
	RET()
}

// The parts of a chain, as Go's type has them. A frame holds the same, aligned, and the places of the words after them.
const (
	inner, outer, last, sum = 0, 32, 64, 96
	chainSize               = 128
	frameSize               = chainSize + 64
)

// kernel is the loop for n chains.
func kernel(n int) {
	parameters := "a"
	for i := 1; i < n; i++ {
		parameters += fmt.Sprintf(", %c", 'a'+i)
	}
	name := fmt.Sprintf("iterate%d", n)
	TEXT(name, 0, "func("+parameters+" *[4][8]uint32, iterations int)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s does this many iterations, at least one, of %d at once.", name, n))

	// Instructions of this age want their operands in memory aligned to 16 bytes, and Go's stack is not.
	base := GP64()
	LEAQ(AllocLocal(n*frameSize+8).Offset(8), base)
	ANDQ(I8(-16), base)
	var chains []reg.Register
	var lanes []lane
	var frames []Mem
	for i := range n {
		chains = append(chains, Load(Param(string(rune('a'+i))), GP64()))
		frames = append(frames, Mem{Base: base, Disp: i * frameSize})
		l := lane{abef: vector(2 + 2*i), cdgh: vector(3 + 2*i), padded: true}
		for j := range l.words {
			l.words[j] = frames[i].Offset(chainSize + 16*j)
			if n <= 2 { // enough registers
				l.words[j] = vector(2 + 2*n + 4*i + j)
			}
		}
		lanes = append(lanes, l)
		for part := 0; part < chainSize; part += 16 {
			MOVOU(Mem{Base: chains[i], Disp: part}, scratch)
			MOVO(scratch, frames[i].Offset(part))
		}
		for j := range 2 {
			MOVO(frames[i].Offset(last+16*j), scratch)
			MOVO(scratch, l.words[j])
		}
	}
	iterations := Load(Param("iterations"), GP64())
	state := GP64() // the offset of the state that the half of an iteration begins from: inner, then outer
	XORQ(state, state)

	Label("half")
	for i, l := range lanes {
		MOVO(frames[i].Idx(state, 1), l.abef)
		MOVO(frames[i].Offset(16).Idx(state, 1), l.cdgh)
	}
	for i := range 16 {
		for _, l := range lanes {
			l.fourRounds(i)
		}
	}
	for i, l := range lanes {
		PADDD(frames[i].Idx(state, 1), l.abef)
		PADDD(frames[i].Offset(16).Idx(state, 1), l.cdgh)
		l.nextBlock()
	}
	XORQ(I8(outer-inner), state)
	JNZ(LabelRef("half"))
	for i, l := range lanes {
		for j := range 2 {
			place := frames[i].Offset(sum + 16*j)
			MOVO(l.words[j], scratch)
			PXOR(place, scratch)
			MOVO(scratch, place)
		}
	}
	DECQ(iterations)
	JNZ(LabelRef("half"))

	for i, l := range lanes {
		for j := range 2 {
			MOVO(l.words[j], scratch)
			MOVOU(scratch, Mem{Base: chains[i], Disp: last + 16*j})
			MOVO(frames[i].Offset(sum+16*j), scratch)
			MOVOU(scratch, Mem{Base: chains[i], Disp: sum + 16*j})
		}
	}
	RET()
}

// nextBlock makes the hash that the working variables hold into the first half of the next block.
func (l lane) nextBlock() {
	const reversed = 0b00_01_10_11
	PSHUFD(Imm(reversed), l.abef, l.abef) // ABEF
	PSHUFD(Imm(reversed), l.cdgh, l.cdgh) // CDGH
	MOVO(l.abef, scratch)
	PUNPCKLQDQ(l.cdgh, scratch) // ABCD
	PUNPCKHQDQ(l.cdgh, l.abef)  // EFGH
	MOVO(scratch, l.words[0])
	MOVO(l.abef, l.words[1])
}

func vector(i int) reg.VecPhysical {
	return []reg.VecPhysical{
		reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
		reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
	}[i]
}

// cpuidFunction asks for what golang.org/x/sys/cpu does not tell.
func cpuidFunction() {
	TEXT("cpuid", NOSPLIT, "func(leaf, subleaf uint32) (eax, ebx uint32)")
	Doc("cpuid is the processor's description of itself.")
	Load(Param("leaf"), reg.EAX)
	Load(Param("subleaf"), reg.ECX)
	CPUID()
	Store(reg.EAX, ReturnIndex(0))
	Store(reg.EBX, ReturnIndex(1))
	RET()
}

func main() {
	constants()
	blockFunction()
	for n := 1; n <= 4; n++ {
		kernel(n)
	}
	cpuidFunction()
	Generate()
}
