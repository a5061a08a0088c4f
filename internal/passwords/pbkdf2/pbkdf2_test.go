package pbkdf2

import (
	"bytes"
	standard "crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// eachWay runs test with the kernels, where the processor has what they need, and without.
func eachWay(t *testing.T, test func(t *testing.T)) {
	before := accelerated
	defer func() { accelerated = before }()
	t.Run("kernels", func(t *testing.T) {
		if !before {
			t.Skip("no kernels for this processor or mode")
		}
		test(t)
	})
	t.Run("standard", func(t *testing.T) {
		accelerated = false
		test(t)
	})
}

// reference is the standard library's key.
func reference(t testing.TB, job Job) []byte {
	t.Helper()
	key, err := standard.Key(sha256.New, string(job.Password), job.Salt, job.Iterations, job.KeyLen)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RFC 7914, section 11.
func TestRFC(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for _, v := range []struct {
			password, salt string
			iterations     int
			key            string
		}{
			{"passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc" +
				"49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
			{"Password", "NaCl", 80000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56" +
				"a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"},
		} {
			if got := hex.EncodeToString(Key([]byte(v.password), []byte(v.salt), v.iterations, 64)); got != v.key {
				t.Errorf("%+v: got %s", v, got)
			}
		}
	})
}

func TestDjango(t *testing.T) {
	text, err := os.ReadFile("../testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Hashes []struct{ Hasher, Password, Encoded string } `json:"password_hashes"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	eachWay(t, func(t *testing.T) {
		var jobs []Job
		var want []string
		for _, v := range vectors.Hashes {
			parts := strings.Split(v.Encoded, "$")
			if v.Hasher != "pbkdf2_sha256" || len(parts) != 4 {
				continue
			}
			iterations, err := strconv.Atoi(parts[1])
			if err != nil {
				t.Fatal(err)
			}
			if !accelerated && iterations > 20_000 {
				continue // only slow: nothing but the standard library
			}
			jobs = append(jobs, Job{[]byte(v.Password), []byte(parts[2]), iterations, sha256.Size})
			want = append(want, parts[3])
		}
		if len(jobs) < 5 {
			t.Fatalf("only %d vectors", len(jobs))
		}
		for i, key := range Keys(jobs) {
			if got := base64.StdEncoding.EncodeToString(key); got != want[i] {
				t.Errorf("%q with %q, %d iterations: got %s, want %s", jobs[i].Password, jobs[i].Salt, jobs[i].Iterations, got, want[i])
			}
		}
	})
}

// sample is a job unlike its neighbours: passwords around and beyond a block of the hash, empty ones, NULs, keys of every
// number of blocks, iterations around and beyond a stretch.
func sample(i int) Job {
	passwords := []string{"", "\x00", "a", "pass\x00word", "pass", strings.Repeat("x", 63), strings.Repeat("x", 64),
		strings.Repeat("x", 65), strings.Repeat("long \x00", 50)}
	iterations := []int{1, 2, 3, stretch, stretch + 1, stretch + 2, 2 * stretch, 3001, 3001, 0, -1}
	lengths := []int{32, 1, 31, 33, 64, 32, 100, 160, 32, 32, 14, 32, 32}
	return Job{
		Password:   []byte(passwords[i%len(passwords)]),
		Salt:       []byte(strings.Repeat("salt\x00", i%7*i%29)),
		Iterations: iterations[i%len(iterations)],
		KeyLen:     lengths[i%len(lengths)],
	}
}

func TestKeys(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		for n := range 10 {
			for first := range 4 {
				jobs := make([]Job, n)
				for i := range jobs {
					jobs[i] = sample(7*first + i)
				}
				keys := Keys(jobs)
				if len(keys) != n {
					t.Fatalf("%d jobs gave %d keys", n, len(keys))
				}
				for i, key := range keys {
					if !bytes.Equal(key, reference(t, jobs[i])) {
						t.Errorf("job %d of %d is wrong: %+v", i, n, jobs[i])
					}
				}
			}
		}
	})
}

// Lengths for which the standard library has no key have none here.
func TestNoKey(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		lengths := []int{0, -1, math.MinInt, math.MaxInt}
		jobs := []Job{sample(3)}
		for _, length := range lengths {
			jobs = append(jobs, Job{[]byte("password"), []byte("salt"), 10, length})
		}
		jobs = append(jobs, sample(4))
		for i, key := range Keys(jobs) {
			if i == 0 || i == len(jobs)-1 {
				if !bytes.Equal(key, reference(t, jobs[i])) {
					t.Errorf("job %d is wrong beside those", i)
				}
			} else if key != nil {
				t.Errorf("%d bytes: got %x", jobs[i].KeyLen, key)
			}
		}
	})
}

// Jobs that join others at work, and jobs that follow on a key, are done like any.
func TestLanesJoin(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		var lanes Lanes
		if lanes.Busy() || !lanes.Free() {
			t.Error("no job makes lanes busy")
		}
		lanes.Step() // does nothing
		const starts, generations = 6, 3
		finished := 0
		var add func(i, generation int)
		add = func(i, generation int) {
			job := sample(i + 11*generation)
			lanes.Add(job, func(key []byte) {
				finished++
				if !bytes.Equal(key, reference(t, job)) {
					t.Errorf("job %d, generation %d is wrong", i, generation)
				}
				if generation+1 < generations {
					add(i, generation+1)
				}
			})
		}
		for i := range starts {
			add(i, 0)
			lanes.Step()
		}
		for lanes.Busy() {
			lanes.Step()
		}
		if finished != starts*generations {
			t.Errorf("%d jobs were finished", finished)
		}
	})
}

// As many jobs as Width says begin together, and no one waits for a longer one.
func TestLanesFinishSeparately(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		var lanes Lanes
		var order []int
		n := Width()
		for i := range n {
			if !lanes.Free() {
				t.Errorf("no place for job %d", i)
			}
			lanes.Add(Job{[]byte("password"), []byte("salt"), (n - i) * 2 * stretch, 32}, func([]byte) { order = append(order, i) })
		}
		if lanes.Free() {
			t.Errorf("a place after %d jobs", n)
		}
		for lanes.Busy() {
			lanes.Step()
			if len(order) > 0 && len(order) < n && !lanes.Free() {
				t.Error("a job that is finished left no place")
			}
		}
		want := []int{0}
		if n == 4 {
			want = []int{3, 2, 1, 0}
		}
		if fmt.Sprint(order) != fmt.Sprint(want) {
			t.Errorf("finished in the order %v, want %v", order, want)
		}
	})
}

func FuzzKey(f *testing.F) {
	for i := range 20 {
		job := sample(i)
		f.Add(job.Password, job.Salt, job.Iterations, job.KeyLen)
	}
	f.Fuzz(func(t *testing.T, password, salt []byte, iterations, keyLen int) {
		job := Job{password, salt, iterations % 2000, keyLen % 300}
		key := Key(job.Password, job.Salt, job.Iterations, job.KeyLen)
		if job.KeyLen < 1 {
			if key != nil {
				t.Errorf("%d bytes: got %x", job.KeyLen, key)
			}
		} else if !bytes.Equal(key, reference(t, job)) {
			t.Errorf("%+v is wrong: %x", job, key)
		}
	})
}

// FuzzLanes cuts data into jobs: each byte of shapes is one, its high bits the iterations, its low ones the lengths.
func FuzzLanes(f *testing.F) {
	f.Add([]byte("the quick brown fox"), []byte{0, 1, 0x80, 0xff, 0x33})
	f.Add([]byte{}, []byte{0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8})
	f.Fuzz(func(t *testing.T, data, shapes []byte) {
		var jobs []Job
		for i, shape := range shapes[:min(len(shapes), 12)] {
			start := min(i*int(shape&0x0f), len(data))
			jobs = append(jobs, Job{data[start:], data[:start], int(shape>>4) * 97, 1 + int(shape&0x0f)*7})
		}
		for i, key := range Keys(jobs) {
			if !bytes.Equal(key, reference(t, jobs[i])) {
				t.Errorf("job %d of %d is wrong: %+v", i, len(jobs), jobs[i])
			}
		}
	})
}

// million is Django 5.2's number of iterations.
const million = 1_000_000

// BenchmarkStandard is crypto/pbkdf2, to compare with.
func BenchmarkStandard(b *testing.B) {
	for b.Loop() {
		if _, err := standard.Key(sha256.New, "password", []byte("salt"), million, 32); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		Key([]byte("password"), []byte("salt"), million, 32)
	}
}

// BenchmarkLanes4 is four keys together; divide by four to compare.
func BenchmarkLanes4(b *testing.B) {
	job := Job{[]byte("password"), []byte("salt"), million, 32}
	for b.Loop() {
		Keys([]Job{job, job, job, job})
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(4*b.N), "ms/key")
}
