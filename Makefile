# make test: all tests. make fuzz: five minutes of every fuzz target, about three hours; FUZZTIME=30s for less. make ci: all that a change must pass.
.PHONY: test fuzz ci

test:
	go test ./...

fuzz: export FUZZTIME ?= 5m
fuzz:
	.ci/fuzz

ci:
	.ci/run
