package tokens

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// A folder of keys holds one key a file, named for the moment from which it signs and for its algorithm: 20260301T120000Z.RS256.pem. So every process that
// reads the folder changes keys at the same moment, and none has to be told. A public key checks tokens and never signs.

const (
	keySuffix = ".pem"
	keyTime   = "20060102T150405Z"
)

// A Key is one of a folder.
type Key struct {
	File string // its name in the folder

	signer signer
}

// ID is what tokens call the key.
func (k *Key) ID() string { return k.signer.kid }

// Algorithm is the only one that the key is for.
func (k *Key) Algorithm() string { return k.signer.name }

// From is when the key begins to sign.
func (k *Key) From() time.Time { return k.signer.from }

// Signs tells whether it is a private key.
func (k *Key) Signs() bool { return k.signer.signing != nil }

// ReadKeys reads a folder, in the order in which its keys begin to sign. It refuses files that others can read or change.
func ReadKeys(folder string) ([]Key, error) {
	if err := closed(folder, 0o022); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), keySuffix) {
			continue
		}
		key, err := readKey(folder, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(folder, entry.Name()), err)
		}
		if i := slices.IndexFunc(keys, func(k Key) bool { return k.ID() == key.ID() }); i >= 0 {
			return nil, fmt.Errorf("%s: it holds the key of %s; remove one of them", filepath.Join(folder, entry.Name()), keys[i].File)
		}
		keys = append(keys, key)
	}
	slices.SortStableFunc(keys, func(a, b Key) int { return cmp.Or(a.From().Compare(b.From()), cmp.Compare(a.File, b.File)) })
	return keys, nil
}

func readKey(folder, name string) (Key, error) {
	const mend = "it is named for the moment from which it signs and its algorithm, as in 20260301T120000Z.RS256.pem"
	key := Key{File: name}
	s := &key.signer
	began, algorithm, _ := strings.Cut(strings.TrimSuffix(name, keySuffix), ".")
	var err error
	if s.from, err = time.Parse(keyTime, began); err != nil {
		return key, errors.New("the name tells no time; " + mend)
	}
	if s.name, s.method = algorithm, methods[algorithm]; s.method == nil || IsHMAC(algorithm) {
		return key, fmt.Errorf("%q is no algorithm for a public and a private key; %s", algorithm, mend)
	}
	path := filepath.Join(folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		return key, err
	}
	loaded, private, err := parseKey(string(text))
	if err != nil {
		return key, err
	}
	s.public = loaded
	if private {
		if err := closed(path, 0o037); err != nil {
			return key, err
		}
		s.signing, s.public = loaded, publicOf(loaded)
	}
	s.kid = keyID(s.public)
	return key, s.fits(s.public)
}

// CheckPrivate refuses a file with a secret that others than its owner and group can read, or others than its owner change. One in a folder that its owner alone can enter, or
// below such a folder, is out of their reach whatever its own mode.
func CheckPrivate(path string) error {
	err := closed(path, 0o037)
	if err == nil || withdrawn(path) {
		return nil
	}
	return err
}

// withdrawn tells whether a file stands in or below a folder that nobody but the folder's owner can enter.
func withdrawn(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return false
	}
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err == nil && info.Mode().Perm()&0o011 == 0 {
			return true
		}
		if folder == filepath.Dir(folder) {
			return false
		}
	}
}

// closed refuses a file or folder that has any of the mode's bits.
func closed(path string, bits fs.FileMode) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&bits != 0 && runtime.GOOS != "windows" { // where modes say nothing
		return fmt.Errorf("%s has mode %04o, by which others than its owner can read or change it; chmod %04o %[1]s", path, mode, mode&^bits)
	}
	return nil
}

// WriteKey makes a key and writes it into a folder, which need not be there yet, for its owner alone. It replaces no file.
func WriteKey(folder, algorithm string, from time.Time) (Key, error) {
	name := from.UTC().Format(keyTime) + "." + algorithm + keySuffix
	private, err := newPrivateKey(algorithm)
	if err != nil {
		return Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Key{}, err
	}
	temporary, err := os.CreateTemp(folder, ".new-*") // made with mode 0600, and no key by its name
	if err != nil {
		return Key{}, err
	}
	defer os.Remove(temporary.Name())
	err = pem.Encode(temporary, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, temporary.Sync(), temporary.Close(), giveTo(temporary.Name(), folder)); err != nil {
		return Key{}, err
	}
	if err := os.Link(temporary.Name(), filepath.Join(folder, name)); err != nil {
		return Key{}, err
	}
	return readKey(folder, name)
}

// rsaBits is what NIST holds to be enough beyond 2030.
const rsaBits = 3072

func newPrivateKey(algorithm string) (any, error) {
	switch method := methods[algorithm].(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case *jwt.SigningMethodECDSA:
		return ecdsa.GenerateKey(map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}[method.CurveBits], rand.Reader)
	case *jwt.SigningMethodEd25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("no keys are made for %q; there are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA", algorithm)
}

// Longest is how long any token is good after it was made.
func (c *JWTConfig) Longest() time.Duration {
	return max(c.AccessTokenLifetime, c.RefreshTokenLifetime, c.SlidingTokenLifetime, c.SlidingTokenRefreshLifetime) + c.Leeway
}

// clockError is how much longer a process may sign with a key whose clock is behind.
const clockError = time.Hour

// Ends is when the last token of keys[i] has ended, if tokens are good for so long: counted from when another key signs. It is zero where none does yet, and
// for keys that do not sign here.
func Ends(keys []Key, i int, lifetime time.Duration) time.Time {
	for _, next := range keys[i+1:] {
		if next.Signs() && keys[i].Signs() {
			return next.From().Add(lifetime + clockError)
		}
	}
	return time.Time{}
}

// Reload reads the key folder anew if it looks otherwise than the last time, and tells whether the keys are others now. After an error they are as before.
func (j *JWTs) Reload() (changed bool, err error) {
	look := lookOf(j.cfg.KeyFolder)
	if look == j.seen.Load() {
		return false, nil
	}
	j.seen.Store(look)
	ring, err := newKeyring(j.cfg, j.secret)
	if err != nil {
		return false, err
	}
	j.ring.Store(ring)
	return true, nil
}

// lookOf is the listing of a folder's keys: another one means other keys. Of a folder that cannot be read it is empty.
func lookOf(folder string) string {
	if folder == "" {
		return ""
	}
	entries, _ := os.ReadDir(folder)
	files := []string{folder}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), keySuffix) {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	var b strings.Builder
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			fmt.Fprintln(&b, file, info.Mode(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
