//go:build unix

package chaos

import (
	"os"
	"os/exec"
	"syscall"

	"hustings/redisbridge/redistest"
)

// possible says whether this system has what is needed.
const possible = true

// apart keeps a terminal's interrupt from our children: we end them.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func freeze(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
func thaw(p *os.Process) error   { return p.Signal(syscall.SIGCONT) }
func ask(p *os.Process) error    { return p.Signal(syscall.SIGTERM) }

func freezeServer(s *redistest.Server) { s.Pause() }
func thawServer(s *redistest.Server)   { s.Resume() }
