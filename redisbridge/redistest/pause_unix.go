//go:build unix

package redistest

import "syscall"

// Pause stops the process as it stands (SIGSTOP): connections stay open and
// nothing answers.
func (s *Server) Pause() { _ = s.process.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process run on.
func (s *Server) Resume() { _ = s.process.Process.Signal(syscall.SIGCONT) }

// Pause stops the process as it stands (SIGSTOP): its connections stay open.
func (o *Original) Pause() { _ = o.process.Process.Signal(syscall.SIGSTOP) }

// Resume lets a paused process run on.
func (o *Original) Resume() { _ = o.process.Process.Signal(syscall.SIGCONT) }
