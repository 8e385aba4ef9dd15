package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"hustings/actors"
	"hustings/redisbridge"
)

// defaultURL is the Redis of a developer's machine.
const defaultURL = "redis://127.0.0.1:6379/0"

// nodeOptions are the flags of demo node.
type nodeOptions struct {
	redis, id, prefix   string
	rank                int64
	elections           names
	ttl, vote, interval time.Duration
	sticky              bool
	minTenure           time.Duration
	takeover            string
	evictGrace          time.Duration
	drain, drainTimeout time.Duration
	minReplicas         int
	replace             bool
	sharedKeys          names
	mixed, quarantine   bool
	spread, held        bool
	probe               time.Duration
	format              string
	stdin               bool
	level               slog.Level
	rankSet             bool
}

// names is a flag that may be repeated.
type names []string

func (n *names) String() string { return strings.Join(*n, ",") }

func (n *names) Set(s string) error {
	*n = append(*n, s)
	return nil
}

// nodeFlags defines the flags.
func nodeFlags(o *nodeOptions, w io.Writer) *flag.FlagSet {
	f := newFlags("demo node", w, nodeUsage, stdinUsage)
	f.StringVar(&o.redis, "redis", defaultURL, "`URL` of Redis: redis://[[user]:password@]host[:port][/db], rediss:// for TLS")
	f.StringVar(&o.id, "id", "", "the node's `name`, unique in the fleet (default host name and process id)")
	f.Int64Var(&o.rank, "rank", 0, "`N` decides who leads: the highest does (default the process id)")
	f.BoolVar(&o.spread, "spread", false, "rank by the names of node and election instead, so that leaderships spread over the fleet")
	f.Var(&o.elections, "election", "`name` of an election to stand in; may be repeated")
	f.DurationVar(&o.ttl, "ttl", actors.DefaultTTL, "how long the session lives without a heartbeat")
	f.DurationVar(&o.vote, "vote-timeout", actors.DefaultVoteTimeout, "how long a round waits for answers")
	f.DurationVar(&o.interval, "interval", actors.DefaultInterval, "how often to look at an election that an original may lead; a quarter of it is how long a change of the leader may be missed whose message was lost")
	f.StringVar(&o.prefix, "prefix", redisbridge.DefaultPrefix, "key `prefix` of the fleet")
	f.BoolVar(&o.sticky, "sticky", false, "once in office, do not make way for a higher rank")
	f.DurationVar(&o.minTenure, "min-tenure", 0, "nor within this time of taking office")
	f.StringVar(&o.takeover, "takeover", onExpiry, "when a dead leader is replaced: on-expiry, or on-disconnect, for fenced work: when it has not been subscribed for --evict-grace")
	f.DurationVar(&o.evictGrace, "evict-grace", 0, "with on-disconnect: for how long (default 250ms)")
	f.DurationVar(&o.drain, "drain", 0, "how long the demo's work takes to stop")
	f.DurationVar(&o.drainTimeout, "drain-timeout", actors.DefaultDrainTimeout, "how long work may take to stop before the office is released all the same")
	f.IntVar(&o.minReplicas, "min-replicas", 0, "replicas of Redis that must have a heartbeat or a claim before it counts")
	f.BoolVar(&o.replace, "replace-duplicate", false, "take the id over from a live process that has it")
	f.Var(&o.sharedKeys, "shared-key", "`FILE` with the key that signs control messages; repeated: further keys that are believed; needs --mixed=false")
	f.BoolVar(&o.mixed, "mixed", true, "nodes of npm ipc@0.0.1 may be in the fleet")
	f.BoolVar(&o.quarantine, "quarantine", true, "refuse claims for one TTL on a dataset that is new; switch off only where Redis is thrown away")
	f.DurationVar(&o.probe, "probe", 0, "poll Valid this often and print valid lines when the answer changes; 0 does not")
	f.BoolVar(&o.held, "held", false, "with --probe: print a held line whenever the trust was prolonged, and before each no")
	f.StringVar(&o.format, "format", "text", "text or json")
	f.BoolVar(&o.stdin, "stdin", false, "take commands from stdin; its end is exit")
	f.TextVar(&o.level, "log-level", slog.LevelWarn, "log `level` on stderr: debug, info, warn or error")
	return f
}

// parseNode reads the arguments. Its errors have been printed, with the usage.
func parseNode(args []string, w io.Writer) (*nodeOptions, error) {
	o := &nodeOptions{}
	f := nodeFlags(o, w)
	if err := parse(f, args); err != nil {
		return nil, err
	}
	f.Visit(func(g *flag.Flag) { o.rankSet = o.rankSet || g.Name == "rank" })
	var err error
	switch {
	case f.NArg() > 0:
		err = fmt.Errorf("demo node: %q is no flag: every option begins with --", f.Arg(0))
	case o.format != "text" && o.format != "json":
		err = fmt.Errorf("demo node: --format %q is unknown: use text or json", o.format)
	}
	if err != nil {
		fmt.Fprintln(w, err)
	}
	return o, err
}

// The takeover policies.
const (
	onExpiry     = "on-expiry"
	onDisconnect = "on-disconnect"
)

var policies = map[string]actors.Takeover{onExpiry: actors.OnExpiry, onDisconnect: actors.OnDisconnect}

// check reports what the flags ask for that can't be had.
func (o *nodeOptions) check() error {
	var list []error
	add := func(format string, args ...any) { list = append(list, fmt.Errorf(format, args...)) }
	switch o.takeover {
	case onExpiry, onDisconnect:
	default:
		add("--takeover %q is unknown: use %s or %s", o.takeover, onExpiry, onDisconnect)
	}
	for _, e := range o.elections {
		if err := redisbridge.CheckName(e); err != nil {
			add("--election %q %w", e, err)
		}
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"ttl", o.ttl}, {"vote-timeout", o.vote}, {"interval", o.interval}, {"drain-timeout", o.drainTimeout}} {
		if d.d <= 0 {
			add("--%s %v is too short: use more than 0, or leave it out", d.name, d.d)
		}
	}
	if o.drain < 0 {
		add("--drain %v is negative: use 0 or more", o.drain)
	}
	if o.spread && o.rankSet {
		add("--spread and --rank exclude each other: leave one out")
	}
	if o.probe < 0 || o.probe > 0 && o.probe < time.Millisecond {
		add("--probe %v is too short: use 0 for none, or at least 1ms", o.probe)
	}
	return errors.Join(list...)
}

// config is what the library is told.
func (o *nodeOptions) config(logger *slog.Logger) (actors.Config, error) {
	redis, err := redisbridge.ParseURL(o.redis)
	if err != nil {
		return actors.Config{}, err
	}
	cfg := actors.Config{
		ID: o.id, Redis: redisbridge.Config{Options: redis, Prefix: o.prefix},
		ReplaceDuplicate: o.replace,
		MinReplicas:      o.minReplicas,
		TTL:              o.ttl, VoteTimeout: o.vote, Interval: o.interval, Mixed: &o.mixed, Quarantine: &o.quarantine, Logger: logger,
		Elections: actors.ElectionConfig{
			Sticky: o.sticky, MinTenure: o.minTenure, DrainTimeout: o.drainTimeout, Takeover: policies[o.takeover], EvictGrace: o.evictGrace,
		},
	}
	for i, name := range o.sharedKeys {
		// A file, since arguments are for everybody on the machine to see.
		key, err := os.ReadFile(name)
		if err != nil {
			return actors.Config{}, fmt.Errorf("--shared-key: %w", err)
		}
		if key = bytes.TrimSpace(key); i == 0 {
			cfg.SharedKey = key
		} else {
			cfg.SharedKeys = append(cfg.SharedKeys, key)
		}
	}
	if o.rankSet {
		cfg.Rank = &o.rank
	}
	if o.spread {
		cfg.RankFor = actors.Rendezvous(o.id)
	}
	return cfg, nil
}
