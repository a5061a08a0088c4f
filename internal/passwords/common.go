package passwords

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"sync"
)

// The lists of common passwords, one a line in lower case; common/README.md tells where they come from.
var (
	//go:embed common/django.txt.gz
	djangoFile []byte
	//go:embed common/more.txt.gz
	moreFile []byte
)

// djangoList is Django's own list, read when it is first asked for.
var djangoList = sync.OnceValue(func() map[string]struct{} {
	return mustParseList(djangoFile)
})

// commonList is Django's list with what a second one adds.
var commonList = sync.OnceValue(func() map[string]struct{} {
	list := maps.Clone(djangoList())
	maps.Copy(list, mustParseList(moreFile))
	return list
})

func mustParseList(file []byte) map[string]struct{} {
	list, err := parseList(bytes.NewReader(file))
	if err != nil {
		panic("passwords: a built-in list is damaged: " + err.Error())
	}
	return list
}

// maxList bounds a list of the operator's own, in bytes of text: a bomb in gzip is a mistake at the start, not a crash.
const maxList = 256 << 20

// readList reads a list of the operator's own.
func readList(path string) (map[string]struct{}, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseList(file)
}

// parseList reads one password a line, each stripped as Django strips it, gzipped or plain.
func parseList(from io.Reader) (map[string]struct{}, error) {
	reader := bufio.NewReader(from)
	var text io.Reader = reader
	if magic, _ := reader.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(reader)
		if err != nil {
			return nil, err
		}
		text = unzipped
	}
	var all strings.Builder // one string that all entries are parts of
	n, err := io.Copy(&all, io.LimitReader(text, maxList+1))
	if err != nil {
		return nil, err
	}
	if n > maxList {
		return nil, fmt.Errorf("the list is longer than %d MiB", maxList>>20)
	}
	list := make(map[string]struct{}, strings.Count(all.String(), "\n")+1)
	for line := range strings.Lines(all.String()) {
		list[strings.TrimFunc(line, isPythonSpace)] = struct{}{}
	}
	if len(list) == 0 {
		return nil, errors.New("the list is empty")
	}
	return list, nil
}
