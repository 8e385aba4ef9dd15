//go:build ignore

// Command genstates writes docs/states.md from the table of package fsm. It is run
// by "go generate ./fsm"; its one argument is the file.
package main

import (
	"fmt"
	"os"

	"hustings/fsm"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: genstates FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], []byte(fsm.Markdown()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "genstates:", err)
		os.Exit(1)
	}
}
