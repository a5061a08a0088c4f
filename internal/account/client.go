package account

import (
	"context"

	"latchkey/internal/store"
)

// A Client is where a request comes from, as the server saw it. It is told to receivers of events and to nobody who calls.
type Client struct {
	// Address is the client's own, behind the proxies that are trusted.
	Address string `json:"address"`
	// Agent is what the client calls itself, cut to a length that a table can hold.
	Agent string `json:"agent"`
	// Request is the request's id, the one in the log.
	Request string `json:"request"`
}

// orNil is nil where nothing is known, as at the command line.
func (c Client) orNil() *Client {
	if c == (Client{}) {
		return nil
	}
	return &c
}

// A visit is what is known of one request on its way through the program: whence it comes, and who turned out to be calling.
type visit struct {
	Client
	caller   store.ID
	recorded map[EventName]store.ID
}

// visitKey is the context's key of the visit.
type visitKey struct{}

// WithClient keeps in a context where its request comes from. One request is served by one goroutine at a time.
func WithClient(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, visitKey{}, &visit{Client: c})
}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// ClientOf is where a context's request comes from; not ok outside of one, as at the command line.
func ClientOf(ctx context.Context) (Client, bool) {
	if v := visitOf(ctx); v != nil {
		return v.Client, true
	}
	return Client{}, false
}

// SetCaller notes who turned out to be calling.
func SetCaller(ctx context.Context, user store.ID) {
	if v := visitOf(ctx); v != nil {
		v.caller = user
	}
}
