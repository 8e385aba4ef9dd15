package redisbridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Under Sentinel a failover by hand leaves a primary behind that takes commands for ten
// seconds more (Redis 7.0): only then does Sentinel make a replica of it, and close its
// connections. Who stayed with it would renew a session there that the new primary does not
// know of, while somebody else finds the new one and leads. So every node listens to all
// Sentinels, and leaves a primary as soon as one of them names a newer one: well within the
// margin by which trust ends before the quarantine of the new one.

// sighting is which primary a Sentinel names. Sentinels number what they agree on: where
// they differ, the higher number is the newer word.
type sighting struct {
	addr  string
	epoch uint64
}

// errMoved is why a link is closed whose server is the primary no more.
var errMoved = errors.New("the Sentinels name another primary")

// sentinelEvents are what a Sentinel publishes when it takes another server for the primary.
var sentinelEvents = []string{"+promoted-slave", "+switch-master", "+config-update-from"}

const (
	// A Sentinel that hangs does not say so: it is asked anew after that long.
	sentinelHears = 15 * time.Second
	// One that is down is tried again after that long.
	sentinelRetry = time.Second
	// For that long a newer word counts that none of the Sentinels which answer knows of. They
	// tell each other every two seconds. If none of them has heard, they undo it: each asks a
	// server for its role every ten seconds, and believes that it has to be a replica again when
	// it was none for eight, so after ten to twenty.
	sentinelSettles = 20 * time.Second
)

// sentinelMaster asks the Sentinels, one after the other, where the master is.
// Every new link asks again. A Sentinel that has not heard of the newest failover is passed
// over, if another has.
func (l *link) sentinelMaster(ctx context.Context) (string, error) {
	var stale *sighting
	var last error
	for _, addr := range l.b.cfg.Redis.Addrs {
		// A dead Sentinel must not use up the time of those after it.
		each, cancel := context.WithTimeout(ctx, l.b.cfg.Timeout/2)
		found, err := l.askSentinel(each, addr)
		cancel()
		switch {
		case err != nil:
			last = err
		case l.b.heads(l, found):
			return found.addr, nil
		case stale == nil || found.epoch > stale.epoch:
			stale = &found
		}
	}
	if stale != nil {
		return l.b.behind(l, *stale, SystemClock{}.Now().Mono), nil
	}
	return "", last
}

// sentinel dials one Sentinel, and returns a client that has that socket and no other, and
// what closes both.
func (l *link) sentinel(ctx context.Context, addr string) (client *redis.SentinelClient, done func(), err error) {
	socket, err := l.dialled(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	s := l.b.cfg.Redis
	s.Addrs, s.DB, s.ClientName, s.OnConnect = []string{addr}, 0, "", nil
	s.Username, s.Password = s.SentinelUsername, s.SentinelPassword
	s.CredentialsProvider, s.CredentialsProviderContext, s.StreamingCredentialsProvider = nil, nil, nil
	s.Dialer = once(socket)
	client = redis.NewSentinelClient(s.Simple())
	return client, func() { _, _ = client.Close(), socket.Close() }, nil
}

// askSentinel asks one Sentinel which primary it names.
func (l *link) askSentinel(ctx context.Context, addr string) (sighting, error) {
	name := l.b.cfg.Redis.MasterName
	client, done, err := l.sentinel(ctx, addr)
	if err != nil {
		return sighting{}, l.fail("asking Sentinel "+addr, err)
	}
	defer done()
	// The number first: so a newer address may come with an older number, which only waits
	// to be confirmed, and never an older address with a newer one. Who may not ask that is
	// believed as far as it goes.
	about, err := client.Master(ctx, name).Result()
	if err != nil && serverError(err, l.b.secrets) == nil {
		return sighting{}, l.fail("asking Sentinel "+addr, err)
	}
	found, err := client.GetMasterAddrByName(ctx, name).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return sighting{}, fmt.Errorf("%w: Sentinel %s watches no master named %q; check MasterName", ErrBackendConfig, addr, name)
	case err != nil:
		return sighting{}, l.fail("asking Sentinel "+addr, err)
	case len(found) != 2:
		return sighting{}, fmt.Errorf("redisbridge: Sentinel %s gave no address", addr)
	}
	s := sighting{addr: net.JoinHostPort(found[0], found[1])}
	s.epoch, _ = strconv.ParseUint(about["config-epoch"], 10, 64)
	return s, nil
}

// heads notes to which primary a link goes, and reports whether that is the newest one.
func (b *backend) heads(l *link, s sighting) bool {
	b.mu.Lock()
	newest := s.epoch >= b.primary.epoch
	if newest {
		l.primary = s.addr
	}
	b.mu.Unlock()
	if newest {
		b.sighted(s)
	}
	return newest
}

// behind returns where a link goes if all Sentinels that answer say something older than is
// known. The one that told of the newest failover may be down: what it said counts, until
// the others must have heard. If they say the same then, they have been told to begin anew, or
// have undone it.
func (b *backend) behind(l *link, s sighting, now time.Duration) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.doubted == 0:
		b.doubted = now
	case now-b.doubted >= sentinelSettles:
		b.primary, b.doubted = s, 0
	}
	l.primary = b.primary.addr
	return l.primary
}

// demoted: the server that a link goes to says that it is a replica. If the Sentinels that
// answer did not know of it as the primary, they have undone that, and are right.
func (b *backend) demoted(l *link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doubted != 0 && l.primary == b.primary.addr {
		b.primary, b.doubted = sighting{}, 0
	}
}

// sighted takes the word of a Sentinel. If it is news, all links to another server are
// closed: the bridge makes new ones.
func (b *backend) sighted(s sighting) {
	b.mu.Lock()
	var moved []*link
	if s.epoch >= b.primary.epoch {
		b.doubted = 0
	}
	if s.epoch > b.primary.epoch || b.primary.addr == "" {
		b.primary = s
		for l := range b.links {
			if l.primary != "" && l.primary != s.addr {
				moved = append(moved, l)
			}
		}
	}
	b.mu.Unlock()
	for _, l := range moved {
		l.leave(fmt.Errorf("%w, %s", errMoved, s.addr))
	}
}

// followSentinels listens to all Sentinels, if there are any, until the backend is closed:
// one goroutine for each.
func (b *backend) followSentinels() {
	if b.cfg.Redis.MasterName == "" {
		return
	}
	for _, addr := range slices.Compact(slices.Sorted(slices.Values(b.cfg.Redis.Addrs))) {
		go b.follow(addr)
	}
}

func (b *backend) follow(addr string) {
	for b.ctx.Err() == nil {
		l, ok := b.open()
		if !ok {
			return
		}
		heard := l.follow(addr)
		l.close()
		if !heard {
			wait, cancel := context.WithTimeout(b.ctx, sentinelRetry)
			<-wait.Done()
			cancel()
		}
	}
}

// follow listens to one Sentinel for a while, or until the link to it fails. It reports
// whether it was heard.
func (l *link) follow(addr string) (heard bool) {
	ctx, cancel := context.WithTimeout(l.ctx, sentinelHears)
	defer cancel()
	client, done, err := l.sentinel(ctx, addr)
	if err != nil {
		return false
	}
	defer done()
	ps := client.Subscribe(ctx) // without channels: with them it would swallow its error
	defer func() { _ = ps.Close() }()
	if err := ps.Subscribe(ctx, sentinelEvents...); err != nil {
		l.b.unheard(addr, err)
		return false
	}
	for confirmed := 0; ; {
		got, err := receive(ctx, ps)
		if err != nil {
			l.b.unheard(addr, err)
			return heard
		}
		switch m := got.(type) {
		case *redis.Subscription:
			confirmed++
		case *redis.Message:
			if !strings.Contains(m.Payload, l.b.cfg.Redis.MasterName) {
				continue // of another master that it watches
			}
		}
		if confirmed < len(sentinelEvents) {
			continue
		}
		heard = true
		each, cancel := context.WithTimeout(ctx, l.b.cfg.Timeout)
		found, err := l.askSentinel(each, addr)
		cancel()
		if err == nil {
			l.b.sighted(found)
		} else if m, ok := got.(*redis.Message); ok {
			l.b.announced(replacement(m.Channel, m.Payload))
		}
	}
}

// unheard tells the log, once of each Sentinel, that it does not let us listen. It is asked for
// the primary all the same when a connection is opened: nothing else tells.
func (b *backend) unheard(addr string, err error) {
	said := serverError(err, b.secrets)
	if said == nil {
		return // it is down, or the link is closed
	}
	b.mu.Lock()
	told := b.mute[addr]
	b.mute[addr] = true
	b.mu.Unlock()
	if !told {
		b.cfg.Logger.Warn("failovers are not heard of", "sentinel", addr, "cause", said.Error(), "needs", "+subscribe and the channels +*")
	}
}

// announced takes what a Sentinel said that died before it could be asked. No other may know
// of it yet, and whoever it has told has left. Its number is not said: one more than the last
// one, at the least. An old word that comes late is not about the present primary.
func (b *backend) announced(old, now string) {
	b.mu.Lock()
	s := sighting{now, b.primary.epoch + 1}
	present := b.primary.addr
	b.mu.Unlock()
	if now != "" && old == present {
		b.sighted(s)
	}
}

// replacement is which server an event of a Sentinel says was replaced as the primary, and
// which one replaces it; "" if it does not say that.
func replacement(channel, payload string) (old, now string) {
	switch w := strings.Fields(payload); {
	case channel == "+promoted-slave" && len(w) == 8: // slave NAME IP PORT @ MASTER IP PORT
		return net.JoinHostPort(w[6], w[7]), net.JoinHostPort(w[2], w[3])
	case channel == "+switch-master" && len(w) == 5: // MASTER IP PORT IP PORT
		return net.JoinHostPort(w[1], w[2]), net.JoinHostPort(w[3], w[4])
	default:
		return "", ""
	}
}
