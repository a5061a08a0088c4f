// Package webhook sends requests that are signed by the Standard Webhooks specification (https://www.standardwebhooks.com): to tell of an event, or to ask
// whether something may happen. account says what is told and when it is told again.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// A Message is what is sent: ID stays the same however often that is tried.
type Message struct {
	ID   string
	Body []byte
}

// A Sender sends signed requests to one address.
type Sender struct {
	url    string
	signer *standardwebhooks.Webhook
	client *http.Client
}

// NewSender prepares for a target whose URL was checked.
func NewSender(t Target) (*Sender, error) {
	key, err := t.key()
	if err != nil {
		return nil, err
	}
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return nil, err
	}
	// What is signed for one address is not sent to another: a redirect is an answer like any other that is not 2xx.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Sender{url: t.URL, signer: signer, client: client}, nil
}

// A Failure is an answer that is not 2xx.
type Failure struct {
	Status int
	// After is how long the receiver asks to be left alone; 0 where it does not.
	After time.Duration
}

func (f *Failure) Error() string {
	if f.Status/100 == 3 {
		return fmt.Sprintf("the receiver answered %d: redirects are not followed", f.Status)
	}
	return fmt.Sprintf("the receiver answered %d", f.Status)
}

// Permanent tells an error that another try will not mend: 410 is how a receiver says that it wants no more.
func Permanent(err error) bool {
	var f *Failure
	return errors.As(err, &f) && f.Status == http.StatusGone
}

// RetryAfter is how long an error asks to wait; 0 where it does not.
func RetryAfter(err error) time.Duration {
	var f *Failure
	if errors.As(err, &f) {
		return f.After
	}
	return 0
}

// Send tells a message. Anything but a 2xx is an error.
func (s *Sender) Send(ctx context.Context, m Message) error {
	answer, _, err := s.post(ctx, m)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &Failure{Status: answer.StatusCode, After: retryAfter(answer.Header.Get("Retry-After"))}
	}
	return nil
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// post sends a message and reads the answer.
func (s *Sender) post(ctx context.Context, m Message) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(m.Body))
	if err != nil {
		return nil, nil, err
	}
	now := time.Now() // receivers compare it with their own clock
	signature, err := s.signer.Sign(m.ID, now, m.Body)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Latchkey")
	r.Header.Set(standardwebhooks.HeaderWebhookID, m.ID)
	r.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	answer, err := s.client.Do(r)
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err // without the address, which may hold what is not for the log
	}
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errors.New("the answer is too long")
	}
	if answer.StatusCode/100 == 2 || err == nil { // a status that came is an answer, whatever becomes of the rest
		return answer, body, nil
	}
	return nil, nil, err
}

// retryAfter reads a number of seconds or a date.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// A Refusal is a hook's no: the messages by field, in its order, as REST framework writes them.
type Refusal struct {
	// Forbidden says that the hook answered 403; any other 4xx is a 400.
	Forbidden bool
	Fields    []Field
}

// A Field is a field's messages. One that is Single stands alone instead of in a list, as detail does.
type Field struct {
	Name     string
	Messages []string
	Single   bool
}

func (*Refusal) Error() string { return "a hook refuses" }

// Ask sends a question: nil for yes, a *Refusal for no, and any other error where there is no answer.
func (s *Sender) Ask(ctx context.Context, m Message) error {
	answer, body, err := s.post(ctx, m)
	switch {
	case err != nil:
		return err
	case answer.StatusCode/100 == 2:
		return nil
	case answer.StatusCode/100 != 4:
		return &Failure{Status: answer.StatusCode}
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/json" {
		return fmt.Errorf("%w, without JSON that says why", &Failure{Status: answer.StatusCode})
	}
	fields, err := parseFields(body)
	if err != nil {
		return fmt.Errorf("%w, and does not say why in a form that can be read: %w", &Failure{Status: answer.StatusCode}, err)
	}
	return &Refusal{Forbidden: answer.StatusCode == http.StatusForbidden, Fields: fields}
}

// parseFields reads {"field": ["message", …], "detail": "message"}, in its order.
func parseFields(body []byte) ([]Field, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	var fields []Field
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		f := Field{Messages: make([]string, 1)}
		f.Name, _ = name.(string) // keys are
		if f.Single = json.Unmarshal(value, &f.Messages[0]) == nil && value[0] == '"'; !f.Single {
			if err := json.Unmarshal(value, &f.Messages); err != nil {
				return nil, err
			}
		}
		if len(f.Messages) == 0 {
			return nil, errors.New("a field has no message")
		}
		fields = append(fields, f)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if len(fields) == 0 {
		return nil, errors.New("the object is empty")
	}
	return fields, nil
}
