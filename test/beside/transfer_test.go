package beside

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

const everybody = `SELECT CAST(id AS text) || ' ' || username || ' ' || email || ' ' || password || ' ' || first_name || ' ' ||
	CASE WHEN is_active THEN 'active' ELSE '' END || CASE WHEN is_staff THEN ' staff' ELSE '' END FROM auth_user ORDER BY id`

// TestTransfer carries users between a Django project and Latchkey by files: dumpdata to import, export to loaddata.
func TestTransfer(t *testing.T) {
	for _, s := range stacks(t) {
		t.Run(s.name, func(t *testing.T) {
			testenv.EachDatabase(t, func(t *testing.T, url string) {
				d := &django{stack: s, database: url, smtp: testenv.NewSMTP(t, testenv.SMTPOptions{}), settings: "settings"}
				d.manage(t, "", "migrate", "-v", "0")
				d.manage(t, `
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, User
ann = User.objects.create_user("ann", "Ann@example.com", "correct-horse-7", first_name="Änn", is_staff=True)
ann.groups.add(Group.objects.create(name="editors"))
EmailAddress.objects.create(user=ann, email="ann@example.com", verified=True, primary=True)
User.objects.create_user("bob", is_active=False)
`, "shell")
				there := column(t, testenv.OpenDB(t, url), everybody)
				folder := t.TempDir()
				dump := filepath.Join(folder, "dump.json")
				text := d.manage(t, "", "dumpdata", "auth.group", "auth.user", "account", "--indent", "2")
				if err := os.WriteFile(dump, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}

				elsewhere := "sqlite://" + filepath.Join(folder, "latchkey.db")
				options := []string{"--config", d.configure(t, "--with-secrets"), "--database", elsewhere}
				said, code := latchkey(t, append([]string{"user", "import", dump}, options...)...)
				want := "left out: auth.group, 1 times\nleft out: auth.user.groups, 1 times\nusers: 2 made, 0 updated, 0 skipped; addresses: 1 written\n"
				if code != 0 || said != want {
					t.Fatalf("import: %d\n%swant\n%s", code, said, want)
				}
				if here := column(t, testenv.OpenDB(t, elsewhere), everybody); !slices.Equal(here, there) {
					t.Errorf("Latchkey has\n%s\nDjango had\n%s", strings.Join(here, "\n"), strings.Join(there, "\n"))
				}
				back := filepath.Join(folder, "back.json")
				if said, code := latchkey(t, append([]string{"user", "export", back, "--with-passwords"}, options...)...); code != 0 {
					t.Fatalf("export: %d %s", code, said)
				}
				d.manage(t, "from django.contrib.auth.models import User\nUser.objects.all().delete()\n", "shell")
				d.manage(t, "", "loaddata", back, "-v", "0")
				if again := column(t, testenv.OpenDB(t, url), everybody); !slices.Equal(again, there) {
					t.Errorf("Django has\n%s\nand had\n%s", strings.Join(again, "\n"), strings.Join(there, "\n"))
				}
				said = d.manage(t, "from django.contrib.auth import authenticate\nprint(authenticate(username='ann', password='correct-horse-7'))\n", "shell", "-v", "0")
				if !strings.Contains(said, "ann") {
					t.Errorf("Django does not let ann in: %s", said)
				}
			})
		})
	}
}
