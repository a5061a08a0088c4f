// Command shop is a program that has accounts: Latchkey stands in its mux, beside a handler of its own that knows who is calling.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"latchkey"
	"latchkey/verify"
)

func main() {
	config := flag.String("config", "latchkey.yaml", "settings of the accounts")
	listen := flag.String("listen", "127.0.0.1:8000", "address and port")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *config, *listen); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, config, listen string) error {
	cfg, err := latchkey.LoadConfig(config)
	if err != nil {
		return err
	}
	cfg.OnEvent = greet
	cfg.BeforeRegistration = onlyGrownNames
	accounts, err := latchkey.New(ctx, cfg)
	if err != nil {
		return err
	}
	tokens, err := accounts.Verifier()
	if err != nil {
		return errors.Join(err, accounts.Close(ctx))
	}
	mux := http.NewServeMux()
	mux.Handle("/", accounts) // /auth/, /.well-known/jwks.json and, in development, /dev/mail/
	mux.Handle("GET /basket", tokens.Middleware(http.HandlerFunc(basket)))

	web := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe() }()
	select {
	case err = <-ended: // it could not begin
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	return errors.Join(err, web.Shutdown(wait), accounts.Close(wait))
}

// greet stands for what a shop does when somebody comes: an error would have it told again.
func greet(_ context.Context, e latchkey.Event) error {
	if e.Type == latchkey.UserActivated {
		log.Printf("a coupon for %s", e.User.Email)
	}
	return nil
}

// onlyGrownNames stands for a rule of the shop's own about who may sign up.
func onlyGrownNames(_ context.Context, a latchkey.Attempt) error {
	if len(a.User.Username) < 3 {
		return latchkey.Refusal{"username": {"Our shop wants names of three letters at least."}}
	}
	return nil
}

func basket(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "the basket of user %s is empty\n", verify.User(r.Context()))
}
