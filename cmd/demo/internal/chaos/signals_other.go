//go:build !unix

package chaos

import (
	"errors"
	"os"
	"os/exec"

	"hustings/redisbridge/redistest"
)

const possible = false

var errNoSignals = errors.New("chaos: this system can't stop a process")

func apart(*exec.Cmd) {}

func freeze(*os.Process) error { return errNoSignals }
func thaw(*os.Process) error   { return errNoSignals }
func ask(*os.Process) error    { return errNoSignals }

func freezeServer(*redistest.Server) {}
func thawServer(*redistest.Server)   {}
