package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/tokens"
)

type keysCommands struct {
	List   keysListCommand   `cmd:"" help:"List the keys in the folder that jwt_keys names, and what each is for now."`
	Rotate keysRotateCommand `cmd:"" help:"Make a new key, which signs from a moment that all know of, and delete those whose last token has ended. Servers need no restart."`
	Retire keysRetireCommand `cmd:"" help:"Delete a key, for it may be stolen: its tokens end at once. Where it signs, a new one does so from now on."`
}

// A keyFolder is the folder with what is to be known of it.
type keyFolder struct {
	cfg  *config.Config
	path string
	keys []tokens.Key
	now  time.Time
}

// openKeys reads the folder; one that is not there yet is empty.
func (s *source) openKeys() (*keyFolder, error) {
	cfg, err := s.loadWith(config.Options{WithoutKeys: true})
	if err != nil {
		return nil, err
	}
	if cfg.JWTKeys == "" {
		return nil, errors.New("jwt_keys names no folder: set it in the configuration first")
	}
	f := &keyFolder{cfg: cfg, path: cfg.JWTKeys, now: time.Now().UTC().Truncate(time.Second)}
	f.keys, err = tokens.ReadKeys(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return f, err
}

// signs is the index of the key that signs now, or -1; coming of the one that will, or -1.
func (f *keyFolder) signs() (signs, coming int) {
	signs, coming = -1, -1
	for i := range f.keys {
		switch {
		case !f.keys[i].Signs():
		case f.keys[i].From().After(f.now):
			coming = i
		default:
			signs = i
		}
	}
	return signs, coming
}

// state says what a key is for.
func (f *keyFolder) state(i int) string {
	k := &f.keys[i]
	signs, _ := f.signs()
	ends := tokens.Ends(f.keys, i, f.cfg.SimpleJWT.Longest())
	switch {
	case !k.Signs():
		return "checks"
	case k.From().After(f.now):
		return "signs from " + k.From().Format(time.RFC3339)
	case i == signs:
		return "signs"
	case f.now.Before(ends):
		return "checks until " + ends.Format(time.RFC3339)
	}
	return "not needed"
}

// add makes a key.
func (f *keyFolder) add(algorithm string, from time.Time) error {
	key, err := tokens.WriteKey(f.path, algorithm, from)
	if err != nil {
		return fmt.Errorf("no key was made: %w", err)
	}
	fmt.Printf("made %s, which signs from %s\n", filepath.Join(f.path, key.File), from.Format(time.RFC3339))
	return nil
}

// remove deletes a key.
func (f *keyFolder) remove(i int, why string) error {
	if err := os.Remove(filepath.Join(f.path, f.keys[i].File)); err != nil {
		return err
	}
	fmt.Printf("deleted %s: %s\n", filepath.Join(f.path, f.keys[i].File), why)
	return nil
}

// algorithm is that of the newest key, or what the settings say.
func (f *keyFolder) algorithm() string {
	for _, k := range slices.Backward(f.keys) {
		if k.Signs() {
			return k.Algorithm()
		}
	}
	if name := f.cfg.SimpleJWT.Algorithm; !tokens.IsHMAC(name) {
		return name
	}
	return "RS256"
}

type keysListCommand struct {
	source
	JSON bool `name:"json" help:"One JSON object a line, for programs."`
}

// Run prints the keys in the order in which they sign.
func (c *keysListCommand) Run() error {
	f, err := c.openKeys()
	if err != nil {
		return err
	}
	if c.JSON {
		type line struct {
			ID        string    `json:"kid"`
			Algorithm string    `json:"algorithm"`
			From      time.Time `json:"from"`
			State     string    `json:"state"`
			File      string    `json:"file"`
		}
		out := json.NewEncoder(os.Stdout)
		for i := range f.keys {
			k := &f.keys[i]
			if err := out.Encode(line{k.ID(), k.Algorithm(), k.From(), f.state(i), k.File}); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tSTATE\tKID")
	for i := range f.keys {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.keys[i].File, f.state(i), f.keys[i].ID())
	}
	return w.Flush()
}

type keysRotateCommand struct {
	source
	Algorithm string        `help:"The new key's algorithm; that of the last key, or of SIMPLE_JWT, or RS256." placeholder:"NAME"`
	In        time.Duration `default:"10m" help:"When the new key begins to sign: services that keep the published keys must have it by then. The first key signs at once."`
}

// Run makes the new key first: if that fails, nothing else has changed.
func (c *keysRotateCommand) Run() error {
	f, err := c.openKeys()
	if err != nil {
		return err
	}
	if c.In < 0 {
		return errors.New("--in: it must not be negative")
	}
	signs, coming := f.signs()
	if coming >= 0 {
		return fmt.Errorf("a new key is there already: %s signs from %s", f.keys[coming].File, f.keys[coming].From().Format(time.RFC3339))
	}
	from := f.now.Add(c.In)
	if signs < 0 {
		from = f.now
	}
	if c.Algorithm == "" {
		c.Algorithm = f.algorithm()
	}
	if err := f.add(c.Algorithm, from); err != nil {
		return err
	}
	if jwt := &f.cfg.SimpleJWT; len(f.keys) == 0 && jwt.OldUntil.IsZero() {
		until := f.now.Add(jwt.Longest()).Add(24 * time.Hour).Format(time.DateOnly)
		fmt.Printf("For tokens signed by %s before it, add jwt_old_tokens_until: %s, and restart.\n", jwt.Algorithm, until)
	}
	for i := range f.keys {
		ends := tokens.Ends(f.keys, i, f.cfg.SimpleJWT.Longest())
		if !ends.IsZero() && !f.now.Before(ends) {
			if err := f.remove(i, "its last token has ended"); err != nil {
				return err
			}
		}
	}
	return nil
}

type keysRetireCommand struct {
	source
	Key string `arg:"" help:"The key, by its kid or its file, as 'keys list' shows them."`
}

// Run replaces the key before it deletes it, so that one signs at any time.
func (c *keysRetireCommand) Run() error {
	f, err := c.openKeys()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(f.keys, func(k tokens.Key) bool { return c.Key == k.ID() || c.Key == k.File })
	if at < 0 {
		return fmt.Errorf("there is no key %q in %s; latchkey keys list shows all", c.Key, f.path)
	}
	if signs, _ := f.signs(); at == signs {
		if err := f.add(f.keys[at].Algorithm(), f.now); err != nil {
			return err
		}
	}
	return f.remove(at, "its tokens are not good any more")
}
