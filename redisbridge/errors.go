package redisbridge

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
)

// Errors of the Redis seam. They come wrapped: use errors.Is.
var (
	// ErrConnClosed is what a connection or subscription ends with that was
	// closed from this side, and what its Do gives from then on.
	ErrConnClosed = errors.New("redisbridge: connection is closed")
	// ErrBackendConfig is a configuration that no retry can heal.
	ErrBackendConfig = errors.New("redisbridge: bad Redis configuration")
)

// Class says what an error of the link or of the server asks for.
type Class uint8

// The classes.
const (
	// Healthy is the class of no error.
	Healthy Class = iota
	// Outage: the server can't be reached, or the link broke. Try again later on
	// a new connection; what was under way has an unknown outcome.
	Outage
	// Reconnect: this connection reads the wrong server, or one that can't serve
	// yet. Give it up and look for the right one; what was refused was not done.
	Reconnect
	// Busy: the right server can't do it now. The connection is good; try again.
	Busy
	// Refused: the server will never do this command as it was asked, which is
	// a defect here or there. The connection is good.
	Refused
	// Permanent: the configuration is wrong: credentials, permissions, prefix,
	// certificate. Only a person can heal it.
	Permanent
)

// String returns the class's name in lower case.
func (c Class) String() string {
	names := [...]string{"healthy", "outage", "reconnect", "busy", "refused", "permanent"}
	if int(c) >= len(names) {
		return fmt.Sprintf("class %d", uint8(c))
	}
	return names[c]
}

// classOfCode knows the first words of Redis's error replies.
var classOfCode = map[string]Class{
	"NOAUTH":    Permanent, // the server wants a password and got none
	"WRONGPASS": Permanent, // the user or password is wrong
	"NOPERM":    Permanent, // the ACL user lacks a command, key or channel
	"DENIED":    Permanent, // protected mode: the server talks to its own host only
	"CROSSSLOT": Permanent, // the prefix lacks its hash tag
	"WRONGTYPE": Permanent, // another program keeps something else under our prefix

	"READONLY":    Reconnect, // a replica: this was the primary, or never was
	"MOVED":       Reconnect, // another node owns the slot
	"ASK":         Reconnect, // the slot is just moving
	"CLUSTERDOWN": Reconnect, // the cluster does not serve the slot
	"MASTERDOWN":  Reconnect, // a replica without its primary
	"LOADING":     Reconnect, // the server reads its dataset from disk

	"BUSY":       Busy, // somebody's script runs too long
	"UNKILLABLE": Busy, // the same, and it has written
	"OOM":        Busy, // maxmemory is reached
	"MISCONF":    Busy, // snapshots fail, so writes are refused
	"NOREPLICAS": Busy, // min-replicas-to-write is not met
	"TRYAGAIN":   Busy, // the slot is being resharded
}

// unknownCommand is said of a command that was renamed or is not there.
const unknownCommand = "unknown command"

// tooManyClients is said to whom a server does not take for its maxclients.
const tooManyClients = "max number of clients"

// permanentTexts are configuration faults for which servers have no code.
var permanentTexts = []string{
	"DB index is out of range",
	"invalid password",
	"AUTH <password> called without any password configured",
	"Client sent AUTH, but no password is set",
	"SELECT is not allowed in cluster mode",
	unknownCommand,
	" command called from ", // the same, of a script
	"cluster support disabled",
	"Client names cannot contain",
}

// Classify says what err asks for. A server's reply (a *ServerError, however
// wrapped) is judged by its code, everything else by its type; what nobody knows
// is an Outage, since retrying is harmless and giving up is not.
func Classify(err error) Class {
	if err == nil {
		return Healthy
	}
	server, said := errors.AsType[*ServerError](err)
	_, cert := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case cert, errors.Is(err, ErrBackendConfig):
		return Permanent
	case !said:
		return Outage
	}
	code := server.Code
	if code == plainCode {
		code = codeOf(server.Text) // of a Backend that has not looked
	}
	if c, ok := classOfCode[code]; ok {
		return c
	}
	if strings.Contains(server.Text, tooManyClients) {
		return Outage
	}
	for _, t := range permanentTexts {
		if strings.Contains(server.Text, t) {
			return Permanent
		}
	}
	return Refused
}

// Kind is what tells causes of an outage apart: the code of a server's error, a word for a
// server that is not reached, or the class. What is broken and what is not there any more are
// two causes: a connection to a server that goes down ends first, and is refused then.
func Kind(err error) string {
	if server, ok := errors.AsType[*ServerError](err); ok {
		return server.Code
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "no such host"
	}
	switch timeout, ok := errors.AsType[net.Error](err); {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case ok && timeout.Timeout():
		return "no answer"
	}
	return Classify(err).String()
}

// serverError returns err as a *ServerError if the server said it, else nil.
func serverError(err error, secrets []string) *ServerError {
	var said redis.Error
	if err == nil || errors.Is(err, redis.Nil) || !errors.As(err, &said) {
		return nil
	}
	return newServerError(said.Error(), secrets)
}

// newServerError splits the code off an error reply. A server that does not know
// AUTH or HELLO repeats their arguments: those are taken out.
func newServerError(text string, secrets []string) *ServerError {
	if i := strings.Index(text, ", with args beginning with"); i >= 0 {
		text = text[:i]
	}
	for _, s := range secrets {
		text = blanked(text, s)
	}
	return &ServerError{Code: codeOf(text), Text: text}
}

// blanked takes a secret out of a text where it stands by itself: one of a letter or two is in
// many a word that the server says.
func blanked(text, secret string) string {
	var out strings.Builder
	for from := 0; ; {
		i := strings.Index(text[from:], secret)
		if i < 0 {
			return out.String() + text[from:]
		}
		i += from
		end := i + len(secret)
		if i > 0 && inWord(text[i-1]) && inWord(text[i]) || end < len(text) && inWord(text[end-1]) && inWord(text[end]) {
			out.WriteString(text[from : i+1])
			from = i + 1
			continue
		}
		out.WriteString(text[from:i] + "***")
		from = end
	}
}

func inWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf
}

// plainCode is that of errors which have none of their own.
const plainCode = "ERR"

// inScript is how servers before Redis 7 tell of an error that a command got inside a
// script: its own code comes last, after one or two places in the script, and in errors of
// the server itself after a minus.
var inScript = regexp.MustCompile(`^ERR Error running script \(call to f_\w*\): (?:@user_script: ?\d+: )+-?([A-Z]+)(?: |$)`)

// forbidden are errors of a script that may not run a command, or use a key or a channel: servers
// have no code for them, and since Redis 7.2 another text.
var forbidden = regexp.MustCompile(`^ERR (?:Error running script \(call to f_\w*\): (?:@user_script: ?\d+: )+)?` +
	`(?:The user executing the script can't |ACL failure in script: )`)

// codeOf is the code of an error reply: its first word, or that of the error inside.
func codeOf(text string) string {
	code, _, _ := strings.Cut(text, " ")
	if code != plainCode {
		return code
	}
	if forbidden.MatchString(text) {
		return "NOPERM"
	}
	if m := inScript.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return code
}

// downErr is why calls are refused now. In an outage many attempts fail, and between most of
// them nobody asks.
func (b *Bridge) downErr() error {
	if b.refusing == nil {
		b.refusing = down(b.cause)
	}
	return b.refusing
}

// down is ErrDown with why, if that is known.
func down(why error) error {
	if why == nil {
		return ErrDown
	}
	return &downError{why, ErrDown.Error() + ": " + why.Error()}
}

// downError is ErrDown with why. Every call that meets an outage is answered with it, and
// every election puts its text into a cause: so it is put together once.
type downError struct {
	why  error
	text string
}

// Error implements error.
func (e *downError) Error() string { return e.text }

// Is reports whether this is target, for errors.Is.
func (e *downError) Is(target error) bool { return target == ErrDown }

// Unwrap returns why there is no link.
func (e *downError) Unwrap() error { return e.why }
