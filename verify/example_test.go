package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"latchkey/verify"
)

// An access token of user 7, good until the year 2100.
const exampleToken = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3NjcyMjU2MDAsImp0aSI6IjZhMWYiLCJ1c2VyX2lkIjoiNyIsInBsYW4iOiJwcm8ifQ.lb78PrUx5SggyqOOZ4I7eXfDZtPYIUakQnVB_FiVWRs"

// A service knows who is calling by the token that came along, and answers as Django REST framework does where there is none.
func Example() {
	v, err := verify.New(verify.Config{Secret: "a-secret-key-for-the-example-0123456789"})
	if err != nil {
		fmt.Println(err)
		return
	}
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "orders of user %s, whose plan is %v", verify.User(r.Context()), verify.Claims(r.Context())["plan"])
	})
	service := v.Middleware(orders)

	for _, header := range []string{"Bearer " + exampleToken, ""} {
		r := httptest.NewRequest("GET", "/orders/", nil)
		r.Header.Set("Authorization", header)
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, r)
		fmt.Println(answer.Code, answer.Body)
	}
	// Output:
	// 200 orders of user 7, whose plan is pro
	// 401 {"detail":"Authentication credentials were not provided."}
}

// A token that comes in another way than in a header, with a WebSocket's first message for instance, is checked by itself.
func ExampleVerifier_Token() {
	v, err := verify.New(verify.Config{Secret: "another-secret-key-for-the-example-0123456789"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = v.Token(context.Background(), exampleToken)
	fmt.Println(err)
	// Output:
	// Given token not valid for any token type
}

// Public keys are fetched from the server that publishes them, so that this service knows no secret.
func ExampleNew() {
	v, err := verify.New(verify.Config{
		JWKSURL:    "https://accounts.example.com/.well-known/jwks.json",
		Algorithms: []string{"RS256"},
		Issuer:     "https://accounts.example.com",
		Audience:   []string{"orders"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	http.Handle("/orders/", v.Middleware(http.NotFoundHandler()))
	// Output:
}
