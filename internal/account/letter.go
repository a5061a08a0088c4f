package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"latchkey/internal/mail"
	"latchkey/internal/message"
	"latchkey/internal/passwords"
	"latchkey/internal/store"
	"latchkey/internal/tokens"
)

// A Letter is a mail that a dialect wants sent: which one, and where its link leads.
type Letter struct {
	Kind mail.Kind
	// Path is the link's path behind the domain, with {uid} and {token} or {key}, or a whole URL; empty for a mail without link.
	Path string
	// Protocol is http or https. Domain and SiteName are the site's own when empty.
	Protocol, Domain, SiteName string
	// SubjectPrefix stands before the subject, with {site_name}.
	SubjectPrefix string
	// Nameless leaves the username out.
	Nameless bool
}

// A Site is what mails say of the site and where their links lead. Nothing of it is ever taken from a request.
type Site struct {
	// Domain and Name are the DOMAIN and SITE_NAME settings; where empty, the row of django_site is asked.
	Domain, Name string
	// ID is SITE_ID, and Chosen says that it was set.
	ID     int64
	Chosen bool
}

// placeholder is the domain of a fresh django_site row: where SITE_ID was set, it gives way to that row.
const placeholder = "example.com"

// post puts a letter to the user into the queue, in the transaction that owes it. No letter or no address: nothing is owed.
func (s *Service) post(ctx context.Context, tx *store.Store, user *store.User, letter *Letter) error {
	if letter == nil || user.Email == "" {
		return nil
	}
	site, err := s.site(ctx, tx, letter)
	if err != nil {
		return err
	}
	data := mail.Data{
		SiteName: site.Name, Domain: site.Domain, Protocol: letter.Protocol,
		Username: user.Username, Email: user.Email, Expires: s.Resets.Timeout,
	}
	if letter.Path != "" {
		uid, token := tokens.EncodeUID(user.ID.String()), s.Resets.Make(subject(user), s.Now())
		data.URL = linkURL(letter, site, "{uid}", uid, "{token}", token)
		if err := s.recordLink(ctx, tx, user, letter.Kind, token); err != nil {
			return err
		}
	}
	return s.enqueue(ctx, tx, letter, data)
}

func (s *Service) enqueue(ctx context.Context, tx *store.Store, letter *Letter, data mail.Data) error {
	subject, text, html, err := s.Templates.Render(message.From(ctx), letter.Kind, data)
	if err != nil {
		return err
	}
	subject = strings.ReplaceAll(letter.SubjectPrefix, "{site_name}", data.SiteName) + subject
	tx.OnCommit("mail", s.wakeDelivery)
	return tx.EnqueueMail(ctx, store.Mail{
		MessageID: mail.NewMessageID(data.Domain),
		Sender:    s.From,
		Recipient: data.Email,
		Subject:   subject,
		Text:      text,
		HTML:      html,
		CreatedAt: s.Now(),
	})
}

// site settles domain and name: the letter's, the settings', the row's.
func (s *Service) site(ctx context.Context, tx *store.Store, letter *Letter) (Site, error) {
	site := s.Site
	if letter.Domain != "" {
		site.Domain = letter.Domain
	}
	if letter.SiteName != "" {
		site.Name = letter.SiteName
	}
	ask := site.Domain == "" || letter.Domain == "" && site.Chosen && site.Domain == placeholder
	if (!ask && site.Name != "") || !tx.Apps().Sites {
		return fallback(site), nil
	}
	domain, name, err := tx.Site(ctx, site.ID)
	if errors.Is(err, store.ErrNotFound) {
		return fallback(site), nil
	}
	if err != nil {
		return Site{}, err
	}
	if ask {
		site.Domain = domain
	}
	if site.Name == "" || ask && letter.SiteName == "" && site.Name == placeholder {
		site.Name = name
	}
	return site, nil
}

// SiteNow is what mails say of the site at this moment, for pages that say the same.
func (s *Service) SiteNow(ctx context.Context) (Site, error) { return s.site(ctx, s.Store, &Letter{}) }

func fallback(site Site) Site {
	if site.Domain == "" {
		site.Domain = placeholder
	}
	if site.Name == "" {
		site.Name = site.Domain
	}
	return site
}

// linkURL is where a letter's link leads: its path behind protocol and domain, or the URL it is, filled as Python's str.format would; config has refused any
// placeholder that is not known.
func linkURL(letter *Letter, site Site, pairs ...string) string {
	pairs = append(pairs, "{{", "{", "}}", "}", "{protocol}", letter.Protocol, "{domain}", site.Domain, "{site_name}", site.Name)
	path := strings.NewReplacer(pairs...).Replace(letter.Path)
	if strings.HasPrefix(letter.Path, "https://") || strings.HasPrefix(letter.Path, "http://") {
		return path
	}
	return letter.Protocol + "://" + site.Domain + "/" + path
}

func subject(u *store.User) tokens.Subject {
	return tokens.Subject{ID: u.ID.String(), Password: u.Password, Email: u.Email, LastLogin: u.LastLogin}
}

// An Asking is a request to mail a link to whoever has an address.
type Asking struct {
	Email string
	// Inactive asks for users who are not active, instead of those who are.
	Inactive bool
	// Letter is what is mailed; nil only tells whether there is somebody.
	Letter *Letter
}

// MailLink mails the letter to every user with the address, and tells whether there was one; *TooOften for an address that is asked for too often. Nobody having it costs the same work: a decoy is queued that
// delivery throws away.
func (s *Service) MailLink(ctx context.Context, ask Asking) (found bool, err error) {
	if ask.Letter != nil {
		if err := s.mayMail(ctx, ask.Email); err != nil {
			return false, err
		}
	}
	users, err := s.usersWith(ctx, ask.Email)
	if err != nil {
		return false, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Store) error {
		found = false
		for i := range users {
			user := &users[i]
			ok, err := s.mayBeAsked(ctx, tx, user, ask)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			found = true
			if err := s.post(ctx, tx, user, ask.Letter); err != nil {
				return err
			}
		}
		if found || ask.Letter == nil {
			return nil
		}
		return s.postDecoy(ctx, tx, *ask.Letter)
	})
	return found && err == nil, err
}

// usersWith finds the users of an address: letter by letter in the exact profile, else whatever the case.
func (s *Service) usersWith(ctx context.Context, email string) ([]store.User, error) {
	if s.Exact {
		if field := s.Store.Model().EmailField; field != "" {
			return s.Store.UsersBy(ctx, field, email)
		}
		return nil, nil
	}
	return s.Store.UsersByEmailFold(ctx, email)
}

func (s *Service) mayBeAsked(ctx context.Context, tx *store.Store, user *store.User, ask Asking) (bool, error) {
	if user.IsActive == ask.Inactive || !passwords.Usable(user.Password) {
		return false, nil
	}
	if ask.Inactive {
		return s.mayActivate(ctx, tx, user)
	}
	return true, nil
}

// postDecoy does what post does, for nobody: its mail has no recipient.
func (s *Service) postDecoy(ctx context.Context, tx *store.Store, letter Letter) error {
	site, err := s.site(ctx, tx, &letter)
	if err != nil {
		return err
	}
	nobody := &store.User{ID: s.Store.NobodyID(), Password: passwords.Unusable()}
	uid, token := tokens.EncodeUID(nobody.ID.String()), s.Resets.Make(subject(nobody), s.Now())
	url := linkURL(&letter, site, "{uid}", uid, "{token}", token, "{key}", token)
	if err := s.recordLink(ctx, tx, nobody, letter.Kind, token); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, &letter, mail.Data{SiteName: site.Name, Domain: site.Domain, Protocol: letter.Protocol, URL: url, Expires: s.Resets.Timeout})
}

// recordLink keeps the digest of a link with the purpose it was mailed for.
func (s *Service) recordLink(ctx context.Context, tx *store.Store, user *store.User, purpose mail.Kind, token string) error {
	now := s.Now()
	return tx.InsertLink(ctx, store.Link{
		Digest: digest(user.ID, purpose, token), Purpose: string(purpose), UserID: user.ID,
		CreatedAt: now, ExpiresAt: now.Add(s.Resets.Timeout + time.Hour), // an hour for the end of summer time, which the token's clock does not see
	})
}

func digest(id store.ID, purpose mail.Kind, token string) string {
	return tokens.Digest(id.String() + " " + string(purpose) + " " + token)
}
