package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"latchkey/internal/passwords"
)

// A reference is somebody else's hasher in C, which referenceScript knows by its name.
type reference struct{ algorithm, name, label, packages string }

// references are what Django hashes with, and what is faster where Debian has it. PBKDF2 is not here: internal/passwords/pbkdf2 has its own benchmark.
var references = []reference{
	{"argon2", "argon2-cffi", "argon2id, libargon2 (argon2-cffi)", "python3-argon2"},
	{"bcrypt_sha256", "bcrypt", "bcrypt, OpenBSD's C (python-bcrypt)", "python3-bcrypt"},
	{"bcrypt_sha256", "crypt-bcrypt", "bcrypt, libxcrypt", "libpython3-stdlib before 3.13"},
	{"scrypt", "openssl", "scrypt, OpenSSL (hashlib)", "libpython3-stdlib"},
	{"scrypt", "crypt-scrypt", "scrypt, libxcrypt with SSE2", "libpython3-stdlib before 3.13"},
}

// own are Latchkey's hashers, by the class that Django has for them.
var own = []struct{ algorithm, class, label string }{
	{"argon2", "Argon2PasswordHasher", "argon2id, Latchkey"},
	{"bcrypt_sha256", "BCryptSHA256PasswordHasher", "bcrypt, Latchkey"},
	{"scrypt", "ScryptPasswordHasher", "scrypt, Latchkey"},
}

// referenceScript makes as many hashes as it is told and prints the processor time of one in seconds, and the hash in Django's form. libxcrypt has a form of
// scrypt that is its own: its result is compared with OpenSSL's.
const referenceScript = `
import base64, hashlib, resource, sys
name, times = sys.argv[1], int(sys.argv[2])
password, salt = "` + password + `", "abcdefghijklmnopqrstuu"
digest = hashlib.sha256(password.encode()).hexdigest()
def scrypt():
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=5, dklen=64, maxmem=2**26)
def encoded(key):
    return "scrypt$16384$" + salt + "$8$5$" + base64.b64encode(key).decode()
if name == "argon2-cffi":
    from argon2.low_level import Type, hash_secret
    make = lambda: "argon2" + hash_secret(password.encode(), salt.encode(), 2, 102400, 8, 16, Type.ID).decode()
elif name == "bcrypt":
    import bcrypt
    make = lambda: "bcrypt_sha256$" + bcrypt.hashpw(digest.encode(), ("$2b$12$" + salt).encode()).decode()
elif name == "crypt-bcrypt":
    import crypt
    make = lambda: "bcrypt_sha256$" + crypt.crypt(digest, "$2b$12$" + salt)
elif name == "openssl":
    make = lambda: encoded(scrypt())
else:
    import crypt
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    make = lambda: crypt.crypt(password, "$7$C6....3...." + salt)
    key = sum(letters.index(c) << 6 * i for i, c in enumerate(make().split("$")[-1])).to_bytes(33, "little")[:32]
    assert key == scrypt()[:32]
def spent():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
hash = make()
before = spent()
for _ in range(times):
    make()
print((spent() - before) / times, encoded(scrypt()) if name == "crypt-scrypt" else hash)
`

// hashOwn is the subcommand hash: what referenceScript does, with one of Latchkey's hashers.
func hashOwn(class, times string, out io.Writer) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	p, err := hasher(class)
	if err != nil {
		return err
	}
	encoded, err := p.Make(context.Background(), password)
	before := used()
	for i := 0; i < n && err == nil; i++ {
		_, err = p.Make(context.Background(), password)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, (used()-before).Seconds()/float64(n), encoded)
	return err
}

func hasher(class string) (*passwords.Passwords, error) {
	cfg := passwords.DefaultConfig()
	cfg.Hashers, cfg.Validators = []string{"django.contrib.auth.hashers." + class}, nil
	return passwords.New(cfg)
}

// used is the processor time of this process.
func used() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail with these arguments
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// hashers is -hashers: what a hash with Django's parameters costs here, in C and in Latchkey, in turn, each time in a process of its own on one processor.
func hashers(ctx context.Context, o *options, out, progress io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	processor, err := oneProcessor()
	if err != nil {
		return err
	}
	// once runs a command that prints a time and a hash, on the processor.
	once := func(command ...string) (seconds float64, encoded string, err error) {
		cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", processor}, command...)...)
		var said, problems bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &problems
		if err := cmd.Run(); err != nil {
			return 0, "", fmt.Errorf("%w\n%s", err, &problems)
		}
		_, err = fmt.Sscan(said.String(), &seconds, &encoded)
		return seconds, encoded, err
	}
	times := strconv.Itoa(o.hashes)
	costs := map[string][]float64{} // milliseconds by label, one a round
	var notes []string
	absent := map[string]bool{}
	for round := range o.rounds {
		for _, h := range own {
			fmt.Fprintf(progress, "round %d of %d: %s\n", round+1, o.rounds, h.algorithm)
			seconds, _, err := once(self, "hash", h.class, times)
			if err != nil {
				return fmt.Errorf("%s: %w", h.label, err)
			}
			costs[h.label] = append(costs[h.label], seconds*1000)
			for _, ref := range references {
				if ref.algorithm != h.algorithm || absent[ref.name] {
					continue
				}
				seconds, encoded, err := once(python, "-W", "ignore", "-c", referenceScript, ref.name, times)
				if err != nil && ctx.Err() == nil {
					lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
					notes = append(notes, fmt.Sprintf("left out: %s (Debian: %s): %s", ref.label, ref.packages, lines[len(lines)-1]))
					absent[ref.name] = true
					continue
				}
				if err := errors.Join(err, sameHash(ctx, h.class, encoded)); err != nil {
					return fmt.Errorf("%s: %w", ref.label, err)
				}
				costs[ref.label] = append(costs[ref.label], seconds*1000)
			}
		}
	}
	rows := [][]string{{"hasher", "CPU ms of a hash", "least", "Latchkey's cost against it"}}
	for _, h := range own {
		rows = append(rows, []string{h.label, number(median(costs[h.label])), number(slices.Min(costs[h.label])), "–"})
		for _, ref := range references {
			if all := costs[ref.label]; ref.algorithm == h.algorithm && all != nil {
				rows = append(rows, []string{ref.label, number(median(all)), number(slices.Min(all)), number(ratio(costs[h.label], all))})
			}
		}
	}
	var b strings.Builder
	table(&b, rows, o.markdown)
	for _, note := range notes {
		fmt.Fprintln(&b, note)
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// sameHash tells whether a reference did the same work: Latchkey takes its hash as one of its own, and as up to date.
func sameHash(ctx context.Context, class, encoded string) error {
	p, err := hasher(class)
	if err != nil {
		return err
	}
	ok, outdated, err := p.Check(ctx, password, encoded)
	if err == nil && (!ok || outdated) {
		err = fmt.Errorf("it made another hash: %s", encoded)
	}
	return err
}

// oneProcessor is the last of those that this process may use, as the first one serves interrupts.
func oneProcessor() (string, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", err
	}
	_, after, _ := strings.Cut(string(status), "\nCpus_allowed_list:")
	list, _, _ := strings.Cut(after, "\n")
	list = strings.TrimSpace(list)
	last := list[strings.LastIndexAny(list, ",-")+1:]
	if n, err := strconv.Atoi(last); err != nil || n < 0 {
		return "", fmt.Errorf("/proc/self/status: Cpus_allowed_list %q", list)
	}
	return last, nil
}
