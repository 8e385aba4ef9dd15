package redisbridge

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrFenced is wrapped by every error of a write that was refused because a newer leader
// has written before. Whoever gets it is no leader any more: stop, and do not retry.
var ErrFenced = errors.New("redisbridge: fenced: a newer leader has written here")

// ErrFence is a resource or token that a [Fence] cannot guard.
var ErrFence = errors.New("redisbridge: this cannot be fenced")

// FencedError is ErrFenced with both tokens.
type FencedError struct {
	// Resource is the key that was to be written.
	Resource string
	// Token is the writer's, Newest the highest that was seen for the resource.
	Token, Newest uint64
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("%s: %q has seen token %d, this write has %d", ErrFenced.Error(), e.Resource, e.Newest, e.Token)
}

// Unwrap makes errors.Is(err, ErrFenced) true.
func (e *FencedError) Unwrap() error { return ErrFenced }

// Fence guards one key of the user's, the resource, for one leadership: a write goes
// through only if its token is not older than the newest that was seen for this resource.
// Check and write are one script, so that a leader that stood still between asking
// [actors.Leadership.Valid] and writing changes nothing once its successor has written,
// or has called [Fence.Raise].
//
//	f, err := redisbridge.NewFence("{orders}:cursor", leadership.Token())
//	err = f.Set(ctx, client, next, 0)
//
// The newest token is kept in a key of its own, next to the resource and in the same slot
// of a Redis Cluster: see [Fence.Key]. It never expires, and must not be evicted: without
// it the next write of any token is let through.
//
// It protects what is written through it. Commands that write the resource without it
// are not refused. The Redis may be another one than the one that elects.
//
// A Fence is a value and may be used by any goroutine. Its methods take any go-redis
// client (standalone, Sentinel, Cluster, Ring), or a pipeline of one. In a pipeline they
// return nil at once; what became of the write is told by [FencedBy] of Exec's error or
// of the command's.
type Fence struct {
	resource, key string
	token         uint64
}

// NewFence returns the fence of a key for the holder of a token. The key must be such that
// another one in its slot can be named: one with "}" in it needs a hash tag. Token 0 is
// nobody's. Errors wrap [ErrFence].
func NewFence(resource string, token uint64) (Fence, error) {
	f := Fence{resource: resource, token: token}
	switch {
	case resource == "":
		return f, fmt.Errorf("%w: the resource has no name", ErrFence)
	case token == 0:
		return f, fmt.Errorf("%w: token 0 is nobody's: use Leadership.Token", ErrFence)
	case strings.HasPrefix(resource, "{") && strings.IndexByte(resource, '}') == len(resource)-1 && len(resource) > 2:
		f.key = resource + fenceSuffix + "{}" // that without the braces is of the name between them
	case hasHashTag(resource):
		f.key = resource + fenceSuffix
	case strings.Contains(resource, "}"):
		return f, fmt.Errorf("%w: %q has a } and no hash tag, so that no other key shares its slot: give it one, as in {orders}:x", ErrFence, resource)
	default:
		f.key = "{" + resource + "}" + fenceSuffix
	}
	return f, nil
}

const fenceSuffix = "::fence"

// Key is where the newest token is kept: "{orders}:x::fence" for "{orders}:x",
// "{cursor}::fence" for "cursor", and "{cursor}::fence{}" for "{cursor}".
func (f Fence) Key() string { return f.key }

// Token is the fence's.
func (f Fence) Token() uint64 { return f.token }

// FenceScript is a Lua script that runs only behind a fence. Its KEYS[1] is the resource,
// KEYS[2...] and ARGV are the caller's.
type FenceScript struct{ script *redis.Script }

//go:embed fence.lua
var fenceLua string

// NewFenceScript makes one of a Lua body, which may return a value. Compile errors of the
// body come from its first call.
func NewFenceScript(body string) *FenceScript {
	return &FenceScript{redis.NewScript(fenceLua + "\nreturn (function(KEYS, ARGV)\n" + body + "\nend)(rest(KEYS, 1), rest(ARGV, 2))\n")}
}

var (
	fenceRaise = NewFenceScript(`return 'OK'`)
	fenceSet   = NewFenceScript(`if ARGV[2] == '0' then return redis.call('SET', KEYS[1], ARGV[1]) end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`)
	// In pieces: unpack can't take more than some thousand.
	fenceHSet = NewFenceScript(`local n = 0
for i = 1, #ARGV, 1000 do
  n = n + redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
return n`)
)

// Raise writes nothing but the token: from now on older ones are refused. A leader that
// begins by reading the resource calls it first; else a former leader's write could come
// between its read and its first write.
func (f Fence) Raise(ctx context.Context, c redis.Scripter) error {
	return f.run(ctx, c, fenceRaise, nil).err
}

// Set sets the resource, as SET does: it takes what go-redis takes for a value. An expiry
// of 0 is none; it counts in milliseconds.
func (f Fence) Set(ctx context.Context, c redis.Scripter, value any, expiry time.Duration) error {
	if expiry < 0 || expiry%time.Millisecond != 0 {
		return fmt.Errorf("%w: expiry %v is not a positive number of milliseconds", ErrFence, expiry)
	}
	return f.run(ctx, c, fenceSet, nil, value, expiry.Milliseconds()).err
}

// HSet sets fields of the resource, which is a hash: name, value, name, value.
func (f Fence) HSet(ctx context.Context, c redis.Scripter, namesAndValues ...any) error {
	if len(namesAndValues) == 0 || len(namesAndValues)%2 != 0 {
		return fmt.Errorf("%w: HSet needs pairs of a name and a value", ErrFence)
	}
	return f.run(ctx, c, fenceHSet, nil, namesAndValues...).err
}

// Eval runs a script. Its value is what the script returns, as go-redis has it: nil for
// nil. In a pipeline the value is nil: use [Fence.Pipe]. On a Cluster all keys must be of
// the resource's slot.
func (f Fence) Eval(ctx context.Context, c redis.Scripter, s *FenceScript, keys []string, args ...any) (any, error) {
	r := f.run(ctx, c, s, keys, args...)
	return r.value, r.err
}

// Pipe puts a script into a pipeline and returns its command, which has a value after
// Exec. Use [FencedBy] on its error. A fence or script that was not made by [NewFence] and
// [NewFenceScript] is an error of the command and of Exec.
func (f Fence) Pipe(ctx context.Context, p redis.Pipeliner, s *FenceScript, keys []string, args ...any) *redis.Cmd {
	if err := f.fault(s); err != nil {
		return p.Eval(ctx, "return redis.error_reply(ARGV[1])", nil, "ERR "+err.Error()) // so that Exec fails, too
	}
	// With its whole text: a pipeline can't be told that a script is not known.
	return s.script.Eval(ctx, p, f.keys(keys), f.args(args)...)
}

// fault is why nothing can be written behind this fence, nil if it can.
func (f Fence) fault(s *FenceScript) error {
	switch {
	case f.key == "":
		return fmt.Errorf("%w: use NewFence, and no fence that came with an error", ErrFence)
	case s == nil || s.script == nil:
		return fmt.Errorf("%w: use NewFenceScript", ErrFence)
	}
	return nil
}

func (f Fence) keys(more []string) []string { return append([]string{f.key, f.resource}, more...) }

func (f Fence) args(more []any) []any {
	return append([]any{strconv.FormatUint(f.token, 10), f.resource}, more...)
}

// outcome is what a script returned.
type outcome struct {
	value any
	err   error
}

func (f Fence) run(ctx context.Context, c redis.Scripter, s *FenceScript, keys []string, args ...any) outcome {
	if err := f.fault(s); err != nil {
		return outcome{err: err}
	}
	if p, ok := c.(redis.Pipeliner); ok {
		f.Pipe(ctx, p, s, keys, args...)
		return outcome{}
	}
	value, err := s.script.Run(ctx, c, f.keys(keys), f.args(args)...).Result()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return outcome{value, FencedBy(err)}
}

// FencedBy turns the error of a fenced command in a pipeline, or of its Exec, into a
// [*FencedError] if that is why. Any other error is returned as it is.
func FencedBy(err error) error {
	var said redis.Error
	if !errors.As(err, &said) {
		return err
	}
	// "FENCED 7 9 orders": token, newest, resource, which may have spaces.
	words := strings.SplitN(said.Error(), " ", 4)
	if len(words) != 4 || words[0] != "FENCED" {
		return err
	}
	token, bad := strconv.ParseUint(words[1], 10, 64)
	newest, worse := strconv.ParseUint(words[2], 10, 64)
	if bad != nil || worse != nil {
		return err
	}
	return &FencedError{Resource: words[3], Token: token, Newest: newest}
}
