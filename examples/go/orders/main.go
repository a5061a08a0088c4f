// Command orders is a service that has no users and no secret: it checks the shop's access tokens by the public key that the shop publishes.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"latchkey/verify"
)

func main() {
	keys := flag.String("keys", "http://127.0.0.1:8000/.well-known/jwks.json", "where the public keys are")
	listen := flag.String("listen", "127.0.0.1:8001", "address and port")
	flag.Parse()
	v, err := verify.New(verify.Config{JWKSURL: *keys})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "user %s has ordered nothing yet\n", verify.User(r.Context()))
	})))
	web := &http.Server{Addr: *listen, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(web.ListenAndServe())
}
