package doctor

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/passwords"
	"latchkey/internal/store"
)

// iterations are the counts of PBKDF2 that versions of Django make new hashes with.
var iterations = map[string]string{
	"150000": "2.2", "180000": "3.0", "216000": "3.1", "260000": "3.2", "320000": "4.0", "390000": "4.1", "600000": "4.2", "720000": "5.0", "870000": "5.1",
	"1000000": "5.2", "1200000": "6.0",
}

// passwords tallies how passwords are kept.
func (r *Report) passwords(ctx context.Context, db *store.Survey) error {
	if _, found := r.column("password"); !found {
		return nil
	}
	tally := map[Password]int64{}
	err := db.EachText(ctx, r.Users.Table, "password", func(encoded string) { tally[kept(encoded)]++ })
	if err != nil {
		return err
	}
	configured := r.hashers()
	for p, users := range tally {
		p.Users = users
		class, known := passwords.Class(p.Hasher)
		p.Works = known && slices.Contains(configured, class)
		r.Passwords = append(r.Passwords, p)
	}
	slices.SortFunc(r.Passwords, func(a, b Password) int {
		return cmp.Or(cmp.Compare(b.Users, a.Users), cmp.Compare(a.Hasher+a.Parameters, b.Hasher+b.Parameters))
	})
	r.judgePasswords()
	return nil
}

// bareMD5 is the form that Django's long gone UnsaltedMD5PasswordHasher gave passwords.
var bareMD5 = regexp.MustCompile(`^[0-9a-f]{32}$`)

// kept is how a password is kept, without what is secret of it.
func kept(encoded string) Password {
	p := Password{Hasher: passwords.Algorithm(encoded)}
	_, known := passwords.Class(p.Hasher)
	switch {
	case encoded == "":
		p.Hasher = "empty"
	case !passwords.Usable(encoded):
		p.Hasher = "unusable"
	case bareMD5.MatchString(encoded):
		p.Hasher = "unsalted_md5"
	case !known && len(p.Hasher) <= 20 && p.Hasher != "" && !strings.ContainsFunc(p.Hasher, notWord): // of a hasher of the project's own, or one that is gone
	case !known:
		p.Hasher = "unknown"
	default:
		p.Parameters = passwords.Parameters(encoded)
		if version := iterations[strings.TrimSuffix(p.Parameters, " iterations")]; p.Hasher == "pbkdf2_sha256" && version != "" {
			p.MadeBy = "Django " + version
		}
	}
	return p
}

func notWord(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' }

// hashers are those that the settings, or Django's own, name.
func (r *Report) hashers() []string {
	if r.settings != nil {
		return r.settings.Passwords.Hashers
	}
	return passwords.DefaultConfig().Hashers
}

// missingHashers are those in use that hashers lacks.
func (r *Report) missingHashers() []string {
	var missing []string
	for _, p := range r.Passwords {
		if class, known := passwords.Class(p.Hasher); known && !p.Works && !slices.Contains(missing, class) {
			missing = append(missing, class)
		}
	}
	return missing
}

// current is the PBKDF2 count of the newest Django that has made hashes here; 0 where it cannot be told.
func (r *Report) current() (count int) {
	for _, p := range r.Passwords {
		if p.Hasher != "pbkdf2_sha256" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(p.Parameters, " iterations"))
		if err == nil {
			count = max(count, n)
		}
	}
	return count
}

func (r *Report) judgePasswords() {
	var good, weak, old int64
	for _, p := range r.Passwords {
		class, known := passwords.Class(p.Hasher)
		switch {
		case p.Works:
			good += p.Users
		case known:
			r.find(Decide, "hasher-"+p.Hasher, "Add "+class+" to PASSWORD_HASHERS, as below.", "The passwords of %s are kept by %s, which is not in PASSWORD_HASHERS: they could not sign in.", people(p.Users), p.Hasher)
		case p.Hasher == "unusable":
			r.find(Works, "unusable", "", "Without a usable password: %s, who can sign in by other ways, or not at all.", people(p.Users))
		default:
			r.find(Decide, "hasher-unknown", "They must reset their password by mail; Django before 5.1 may know their hasher.", "The passwords of %s are of a kind that is not known here (%s).", people(p.Users), p.Hasher)
		}
		count, _ := strconv.Atoi(strings.TrimSuffix(p.Parameters, " iterations")) // 0 where it is none
		switch {
		case p.Hasher == "md5" || p.Hasher == "sha1" || p.Hasher == "unsalted_md5" || p.Hasher == "unsalted_sha1" || p.Hasher == "crypt":
			weak += p.Users
		case strings.HasPrefix(p.Hasher, "pbkdf2") && count < 260_000:
			old += p.Users
		}
	}
	if good > 0 {
		r.find(Works, "passwords", "", "The passwords of %s are verified as they are, and hashed anew at sign-in where Django would.", people(good))
	}
	if weak > 0 {
		r.find(Unsafe, "weak-hashes", "Each is replaced when its user signs in; have the others reset.", "The passwords of %s are kept so weakly that whoever reads the database knows them soon.", people(weak))
	}
	if old > 0 {
		r.find(Unsafe, "old-hashes", "Each is replaced when its user signs in.", "The passwords of %s are kept by PBKDF2 with fewer iterations than Django 3.2's.", people(old))
	}
	if n := r.current(); n > 0 && n != 1_000_000 {
		made := iterations[strconv.Itoa(n)]
		if made == "" {
			made = "some hasher of the project's own"
		} else {
			made = "Django " + made
		}
		r.find(Decide, "iterations", "Keep pbkdf2_iterations, as below, equal to that of the Django beside; change both when you upgrade it.",
			"The newest hashes are those of %s (%d iterations). If Latchkey made others, each side would hash the other's passwords anew at every sign-in.", made, n)
	}
}
