package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// full is a file on a disk that is full.
type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

// What a command has to say is its result: where it can't be written, stderr and the exit code tell.
func TestOutputThatCannotBeWrittenIsAFault(t *testing.T) {
	for _, args := range []string{
		"sim --seed 1 --for 1s",
		"sim --seed 1 --for 1s --trace",
		"sim --seeds 1..2 --for 1s",
		"help",
		"help sim",
		"node --ttl 1ms",
	} {
		var errs buffer
		code := run(strings.Fields(args), &console{in: strings.NewReader(""), out: full{}, err: &errs})
		if said := errs.String(); code != exitFault || strings.Count(said, "stdout can't be written: no space left on device") != 1 {
			t.Errorf("demo %s: exit code %d, stderr %q", args, code, said)
		}
	}
}

// A node that leads ends when nobody can hear it, and does not do so without a word.
func TestANodeWhoseOutputCannotBeWrittenSaysSo(t *testing.T) {
	var errs buffer
	code := run([]string{"node", "--redis", "redis://" + miniredis.RunT(t).Addr(), "--id", "a", "--election", "e", "--quarantine=false"},
		&console{in: strings.NewReader(""), out: full{}, err: &errs})
	if said := errs.String(); code != exitFault || strings.Count(said, "demo node: stdout can't be written: no space left on device") != 1 {
		t.Errorf("exit code %d, stderr %q", code, said)
	}
}
