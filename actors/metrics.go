package actors

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"hustings/fsm"
	"hustings/redisbridge"
)

// meterName is the instrumentation scope.
const meterName = "hustings"

// maxPerElection is up to how many elections a node shows one by one in hustings.leading;
// those that were quit are not among them. Beyond it only hustings.elections, which counts them by state, says how they stand.
const maxPerElection = 1000

// metrics are a node's OpenTelemetry instruments, made once for all starts of its actor.
// A nil *metrics measures nothing. The counters and histograms are written by actors; what
// is observed is read by the collector's goroutine, so from atomic values only.
// What is rare and alerted on is counted from 0: Prometheus takes no counter whose first
// sample is 1 for one that has increased. docs/metrics.md says what each instrument means.
type metrics struct {
	meters metric.Meter
	node   attribute.Set // what every measurement carries
	errs   []error       // of making instruments

	transitions, rounds, changes    metric.Int64Counter
	overdue, panics, missed, lapses metric.Int64Counter
	heartbeat, claim, vacancy       metric.Float64Histogram

	mailbox      mailboxDepth
	registration metric.Registration
}

// Bounds of the histograms, in seconds: from a fast loopback to a long TTL.
var (
	fastBounds = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}
	slowBounds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}
)

// newMetrics makes the instruments; without a provider there are none. What could not be
// made is told by observe.
func newMetrics(cfg *Config) *metrics {
	if cfg.MeterProvider == nil {
		return nil
	}
	m := &metrics{
		meters: cfg.MeterProvider.Meter(meterName),
		node:   attribute.NewSet(attribute.String("hustings.fleet", cfg.Redis.Prefix), attribute.String("hustings.node", cfg.ID)),
	}
	m.transitions = m.counter("hustings.transitions", "{transition}", "Transitions of the state machines.")
	m.rounds = m.counter("hustings.rounds", "{round}", "Rounds that ended, by outcome.")
	m.changes = m.counter("hustings.leader.changes", "{change}", "How often this node learned of another leader.")
	m.overdue = m.counter("hustings.drain.overdue", "{drain}", "Offices released while the work may still have run.")
	m.lapses = m.counter("hustings.lapses", "{lapse}", "Terms that ended because no heartbeat was answered in time.")
	m.panics = m.counter("hustings.panics", "{panic}", "Panics of actors, and of the functions of the user that run on them.")
	m.missed = m.counter("hustings.events.missed", "{event}", "Events dropped because a subscriber was too slow.")
	m.heartbeat = m.histogram("hustings.heartbeat.duration", "From sending a heartbeat to its answer, by verdict.", fastBounds)
	m.claim = m.histogram("hustings.claim.duration", "From sending a claim to its answer, by outcome.", fastBounds)
	m.vacancy = m.histogram("hustings.vacancy.duration", "How long this node knew of no leader, until it knew of one.", slowBounds)
	return m
}

func (m *metrics) counter(name, unit, about string) metric.Int64Counter {
	c, err := m.meters.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.errs = append(m.errs, err)
	return c
}

func (m *metrics) histogram(name, about string, bounds []float64) metric.Float64Histogram {
	h, err := m.meters.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(about), metric.WithExplicitBucketBoundaries(bounds...))
	m.errs = append(m.errs, err)
	return h
}

func (m *metrics) gauge(name, unit, about string) metric.Int64ObservableGauge {
	g, err := m.meters.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.errs = append(m.errs, err)
	return g
}

func (m *metrics) total(name, unit, about string) metric.Int64ObservableCounter {
	c, err := m.meters.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(about))
	m.errs = append(m.errs, err)
	return c
}

// observe registers what is read when a collector asks. A second call, of a node's actor
// that was restarted, does nothing. The error is all that the provider refused.
func (m *metrics) observe(s *shared) error {
	if m == nil || m.registration != nil {
		return nil
	}
	trust, err := m.meters.Float64ObservableGauge("hustings.trust.remaining", metric.WithUnit("s"),
		metric.WithDescription("How long this node's session is trusted from now on if no further heartbeat is answered."))
	m.errs = append(m.errs, err)
	elections := m.gauge("hustings.elections", "{election}", "Elections of this node, by state.")
	leading := m.gauge("hustings.leading", "", "1 for each election that this node leads, 0 for the others; for nodes with up to 1,000 elections.")
	link := m.gauge("hustings.link.up", "", "1 while commands and subscription work, or the server does not permit to subscribe (deaf).")
	deaf := m.gauge("hustings.link.deaf", "", "1 while subscribing is not permitted, so that elections go by polling.")
	members := m.gauge("hustings.members", "{node}", "Nodes of the fleet that this node knows of, itself included.")
	depth := m.gauge("hustings.mailbox.depth", "{message}", "Messages that wait in the mailboxes of the node, its bridge and its elections.")
	messages := m.total("hustings.messages", "{message}", "Publications received, and messages that this node published itself, by direction.")
	dropped := m.total("hustings.messages.dropped", "{message}", "Messages received that were not fit to be used, by reason.")
	requests := m.total("hustings.redis.requests", "{request}", "Requests of the node and its elections to the bridge, before batching.")
	commands := m.total("hustings.redis.commands", "{command}", "Commands sent to Redis.")
	connects := m.total("hustings.redis.connects", "{connect}", "Attempts to connect to Redis.")
	if err := errors.Join(m.errs...); err != nil {
		return err
	}
	node := metric.WithAttributeSet(m.node)
	m.panics.Add(context.Background(), 0, node)
	m.missed.Add(context.Background(), 0, node)
	m.registration, err = m.meters.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		m.observeElections(o, s, elections, leading)
		if env := s.start.Load(); env != nil {
			o.ObserveFloat64(trust, env.trusted().Seconds(), node)
		}
		if l := s.link.Load(); l != nil {
			o.ObserveInt64(link, one(l.Up), node)
			o.ObserveInt64(deaf, one(l.Deaf), node)
		}
		o.ObserveInt64(members, int64(len(*s.members.Load())), node)
		o.ObserveInt64(depth, max(m.mailbox.n.Load(), 0), node)
		c := s.counters.Read()
		o.ObserveInt64(messages, count(c.MessagesIn), m.with("hustings.direction", "in"))
		o.ObserveInt64(messages, count(c.MessagesOut), m.with("hustings.direction", "out"))
		for _, why := range redisbridge.DropReasons() {
			o.ObserveInt64(dropped, count(c.DroppedFor[why.String()]), m.with("hustings.reason", why.String()))
		}
		o.ObserveInt64(requests, count(c.Requests), node)
		o.ObserveInt64(commands, count(c.Commands), node)
		o.ObserveInt64(connects, count(c.Connects), node)
		return nil
	}, trust, elections, leading, link, deaf, members, depth, messages, dropped, requests, commands, connects)
	return err
}

// observeElections reads how the elections stand.
func (m *metrics) observeElections(o metric.Observer, s *shared, elections, leading metric.Int64ObservableGauge) {
	var states [fsm.Inconclusive + 1]int64
	var names []string
	var leads []bool
	total := 0
	begun := false // until Redis has answered, elections wait to be opened
	if env := s.start.Load(); env != nil {
		_, begun = env.session.LastAnswer()
	}
	s.elections.each(func(e *entry) {
		v := e.cell.present(e.name)
		states[v.State]++
		if begun && v.State == fsm.Idle && !v.Leader.Known && !v.StoodDown {
			return // it was quit, and is kept for its history: that nobody leads it is no news
		}
		if total++; total <= maxPerElection {
			names, leads = append(names, e.name), append(leads, v.State == fsm.Won)
		}
	})
	for state, n := range states {
		o.ObserveInt64(elections, n, m.with("hustings.state", fsm.State(state).String())) //nolint:gosec // an index
	}
	if total > maxPerElection {
		return
	}
	for i, name := range names {
		o.ObserveInt64(leading, one(leads[i]), m.with("hustings.election", name))
	}
}

// stop ends the observation: the node is gone for good.
func (m *metrics) stop() {
	if m != nil && m.registration != nil {
		_ = m.registration.Unregister()
	}
}

// with returns the node's attributes and one or more pairs of key and value.
func (m *metrics) with(pairs ...string) metric.MeasurementOption {
	list := make([]attribute.KeyValue, 0, 2+len(pairs)/2)
	list = append(list, m.node.ToSlice()...)
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, attribute.String(pairs[i], pairs[i+1]))
	}
	return metric.WithAttributeSet(attribute.NewSet(list...))
}

// beaten measures a heartbeat.
func (m *metrics) beaten(s *fsm.Session, now fsm.Instant, a *redisbridge.HeartbeatAnswer) {
	if m == nil {
		return
	}
	at, ok := s.Sent(a.Req)
	if !ok {
		return // older than those that are remembered
	}
	verdict := a.Verdict.String()
	if a.Err != nil {
		verdict = "error"
	}
	m.heartbeat.Record(context.Background(), (now.Mono - at.Mono).Seconds(), m.with("hustings.verdict", verdict))
}

// panicked counts an actor's panic.
func (m *metrics) panicked() {
	if m != nil {
		m.panics.Add(context.Background(), 1, metric.WithAttributeSet(m.node))
	}
}

// dropped counts events that a subscriber missed.
func (m *metrics) dropped(n uint64) {
	if m != nil {
		m.missed.Add(context.Background(), count(n), metric.WithAttributeSet(m.node))
	}
}

// measured has a mailbox counted.
func (m *metrics) measured(p *actor.Props) *actor.Props {
	if m == nil {
		return p
	}
	return p.Configure(actor.WithMailbox(actor.UnboundedLockfree(&m.mailbox)))
}

// mailboxDepth counts what waits in mailboxes; it is a protoactor mailbox middleware.
type mailboxDepth struct{ n atomic.Int64 }

func (d *mailboxDepth) MailboxStarted()     {}
func (d *mailboxDepth) MessagePosted(any)   { d.n.Add(1) }
func (d *mailboxDepth) MessageReceived(any) { d.n.Add(-1) }
func (d *mailboxDepth) MailboxEmpty()       {}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func count(n uint64) int64 { return int64(min(n, 1<<62)) } //nolint:gosec // bounded
